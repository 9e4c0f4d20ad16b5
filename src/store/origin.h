/* Who was behind an event, on which host, and what for: it stands in the payload of every event. */
#ifndef WSNAP_STORE_ORIGIN_H
#define WSNAP_STORE_ORIGIN_H

#include <stdint.h>

#include "base/json.h"
#include "store/store.h"

/* That of this run: every event that this connection writes bears it, but where the operation has one of its own (a
 * run that finishes what another began). The texts stay the caller's. */
void store_set_origin(struct store *store, const struct store_origin *origin);

/* Adds those keys to a payload that are known. */
int store_origin_add(cJSON *payload, const struct store_origin *origin, struct error *err);

/* The origins of versions, told by the events that made them: of one, or with 0 of all, in no particular order. The
 * texts are valid during the call. */
typedef int (*store_origin_each)(int32_t version, const struct store_origin *origin, void *context, struct error *err);
int store_origins_each(struct store *store, const char *container_id, int32_t version, store_origin_each each,
		       void *context, struct error *err);

#endif
