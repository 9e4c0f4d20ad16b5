/* Writing one lifecycle event and announcing it; internal to store/. */
#ifndef WSNAP_STORE_ANNOUNCE_H
#define WSNAP_STORE_ANNOUNCE_H

#include <stdint.h>

#include "base/json.h"
#include "store/connection.h"
#include "store/origin.h"
#include "store/words.h"

struct announcement {
	const char *operation_id;
	const char *container_id;
	const char *bot_id;
	enum store_event_type type;
	int32_t version;
	int64_t created_ns; /* 0: now() */
	bool many;          /* the operation writes several events of the type: the id names the version */
	const struct store_origin *origin; /* NULL: that of this run */
	bool only_history; /* the workspace's processes are the ones they were: announced on wsnap_saved */
};

/*
 * Inserts the event with the payload, to which operation_id, by, host and note are added, and sends NOTIFY wsnap_lifecycle or wsnap_saved,
 * inside the transaction that is open. The event's id is OPERATION:TYPE, or OPERATION:TYPE:VERSION
 * for many; one that is there already is neither written nor announced again.
 */
int announce_event(struct store *store, const struct announcement *announcement, cJSON *payload, struct error *err);

#endif
