#ifndef CB_PROVIDER_GOOGLE_H
#define CB_PROVIDER_GOOGLE_H
/*
 * google: OAuth 2.0 and Calendar v3 behind struct provider.
 * Stands on io/http, google_json.
 * Source: "Using OAuth 2.0 for Web Server Applications", Calendar API v3; RFC 6749, 7636.
 */
#include "provider/provider.h"

extern const struct provider PROVIDER_GOOGLE;

#endif
