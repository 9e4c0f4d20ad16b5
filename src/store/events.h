/* The rows of `lifecycle_events`. */
#ifndef WSNAP_STORE_EVENTS_H
#define WSNAP_STORE_EVENTS_H

#include <stdint.h>

#include "store/store.h"

struct store_event {
	char *id;
	char *type;
	char *payload;      /* JSON text */
	int64_t created_ns; /* since 1970 */
};

/* Calls `each` for every event of the container, oldest first, page by page. `each`
 * returns -1 (with its err) to stop. The value is valid during the call. */
typedef int (*store_event_each)(const struct store_event *event, void *context, struct error *err);
int store_events_each(struct store *store, const char *container_id, store_event_each each, void *context,
		      struct error *err);

#endif
