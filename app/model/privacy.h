#ifndef CB_MODEL_PRIVACY_H
#define CB_MODEL_PRIVACY_H
/*
 * privacy: what an appointment becomes in one connected calendar, by the settings of that
 * connection: the event to be written there, or nothing and why. It is the only place where an
 * appointment turns into an event, for the preview and for the real write alike: without
 * client_details it reads neither name, address nor notes of the client.
 *
 * Templates are texts with {client_name} {client_email} {service} {coach} {start} {notes}. One
 * that privacy forbids, or that has no value, is left out; any other {word} stays as it is;
 * values are never read as templates again.
 *
 * Pure but for the zones. Stands on model/appointment, model/event, base/arena, base/zone.
 * Source: contract section 3 (behaviour); the seed of ACT Coaching (privacy modes).
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "model/event.h"

struct appointment;

enum {
	PRIVACY_TITLE_TEMPLATE_BYTES = 255,
	PRIVACY_DESCRIPTION_TEMPLATE_BYTES = 4096,
	PRIVACY_TITLE_BYTES = 1024, /* of what is made of them: the rest is cut off */
	PRIVACY_DESCRIPTION_BYTES = 32768
};

/* What a connection has until its owner says otherwise. A title is never empty: then it is this. */
#define PRIVACY_DEFAULT_TITLE "ACT Coaching Session"
#define PRIVACY_DEFAULT_DESCRIPTION "A coaching session booked through ACT Coaching."

/* A connection's settings, as far as they decide what is written into its calendar. */
struct sync_settings {
	bool sync_enabled;
	bool auto_create;    /* new events */
	bool auto_update;    /* changes and removals of those that stand */
	bool client_details; /* name, address and notes of the client may leave */
	struct slice title_template;
	struct slice description_template; /* may be empty */
};

/*
 * Judges templates: UTF-8, lengths, no control characters (TAB and LF in the description alone), a
 * title that is not blank. ERR_FIELDS under event_title_template and event_description_template.
 */
MUST_USE enum err privacy_check(const struct sync_settings *settings, struct fail *why);

/* One appointment before one calendar. */
struct privacy_ask {
	const struct appointment *appointment;
	const struct sync_settings *settings;
	struct slice coach_name; /* may be empty */
	struct slice coach_zone; /* IANA: of an appointment that names none, or none we know */
	int64_t now_ms;
	bool quiet;        /* a bulk call, Sync now, a first sync, a rewrite: nobody is mailed */
	bool stands;       /* an event of it stands there already */
	bool shows_client; /* and was written with client details */
	bool mails_always; /* the provider mails guests whatever it is told */
};

enum privacy_act {
	PRIVACY_LEAVE, /* nothing is to be done */
	PRIVACY_WRITE, /* make or change the event */
	PRIVACY_REMOVE /* what stands is to go; event.notify says whether its guests are told */
};

struct privacy_verdict {
	enum privacy_act act;
	/*
	 * Why it does not stand, or is left as it is, a word that never changes: "sync_off",
	 * "not_confirmed", "cancelled", "auto_create_off", "auto_update_off", "past" (over, and
	 * only a quiet write would make it now), "invalid" (no calendar takes its times). NULL when
	 * it is written.
	 */
	const char *reason;
	/*
	 * Attendees of NULL say nothing about guests (none on a new event, on another they stay);
	 * of none: the client is not to be one, or not any more.
	 */
	struct event event;
	bool attendees_omitted; /* the client would be a guest but for a quiet write */
};

/*
 * Judges and renders. A switched-off client_details takes the client out of an event that shows
 * one even without auto_update. out's texts live in arena. OK, ERR_NOMEM.
 */
MUST_USE enum err privacy_judge(const struct privacy_ask *ask, struct arena *arena,
				struct privacy_verdict *out);

#endif
