#ifndef CB_MODEL_APPOINTMENT_H
#define CB_MODEL_APPOINTMENT_H
/*
 * appointment: a coaching session as the client application wants it to be: desired state, which
 * is carried into each connected calendar of the coach. What it becomes there is model/privacy's.
 * Pure: no socket, no SQL, no clock. Slices borrow. Stands on model/event, base/text.
 * Source: contract section 3; security requirements I7, I8, I9, I10.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

enum {
	APPOINTMENT_NAME_BYTES = 255, /* of the client's name and of the service's */
	APPOINTMENT_NOTES_BYTES = 8192,
	APPOINTMENT_LOCATION_BYTES = 1024
};

enum appointment_status { APPOINTMENT_PENDING, APPOINTMENT_CONFIRMED, APPOINTMENT_CANCELLED };

struct appointment {
	struct slice id;          /* the client application's own, unique in its tenant */
	struct slice coach;       /* the coach's external id */
	struct slice client_name; /* may be empty, as all the texts below */
	struct slice client_email;
	int64_t start_ms;
	int64_t end_ms;         /* exclusive */
	struct slice time_zone; /* IANA; empty: the coach's */
	struct slice service;
	struct slice notes;
	struct slice location;
	enum appointment_status status;
	int64_t version; /* the client application's count of its changes; -1: it keeps none */
};

/* The word in the table and in the contract: "pending", "confirmed", "cancelled". */
const char *appointment_status_word(enum appointment_status status);

/* The status of that word; false: it is none. */
bool appointment_status_find(struct slice word, enum appointment_status *out);

/*
 * Judges what a client application sent: ids, lengths, control characters (TAB and LF in notes
 * alone), the client's address, the times as event_check does, the zone.
 * ERR_FIELDS with every field at fault under its name in the contract (appointmentId, ...).
 */
MUST_USE enum err appointment_check(const struct appointment *appointment, struct fail *why);

#endif
