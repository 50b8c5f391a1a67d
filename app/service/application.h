#ifndef CB_SERVICE_APPLICATION_H
#define CB_SERVICE_APPLICATION_H
/*
 * application: whether a provider's token endpoint takes our application itself: a wrong or expired
 * secret, a client that was deleted. That is the operator's fault and no owner's: the provider is
 * paused for everyone, and it is said aloud, until it is known to work again.
 * Stands on store/provider_limits. Errors are logged: nothing waits for them.
 * Source: contract "One refresh".
 */
struct fail;
struct work;

/* How long nobody tries a provider that refuses our application. */
enum { APPLICATION_PAUSE_S = 60 };

/* provider ("google") has refused it: pauses it for everyone, with a line of level error. */
void application_refused(struct work *work, const char *provider);

/*
 * provider takes its secret, but not the way in which one consent was asked for, why->detail says
 * which: a line of level error, and no pause, as it may have been one person who brought it about.
 */
void application_doubted(const struct work *work, const char *provider, const struct fail *why);

/* provider has taken it: ends such a pause, whether it still runs or not. */
void application_accepted(struct work *work, const char *provider);

#endif
