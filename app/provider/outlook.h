#ifndef CB_PROVIDER_OUTLOOK_H
#define CB_PROVIDER_OUTLOOK_H
/*
 * outlook: Microsoft's identity platform v2.0 and the calendar of Graph v1.0 behind struct
 * provider. Stands on asking, outlook_event, outlook_json. Source: "Microsoft identity platform and
 * OAuth 2.0 authorization code flow"; "Working with calendars using the Microsoft Graph API"; RFC
 * 6749, 7240, 7636.
 */
#include "provider/provider.h"

extern const struct provider PROVIDER_OUTLOOK;

#endif
