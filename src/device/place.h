/*
 * The lists in an OCI runtime spec that device edits go to: where they are, which of their items stand for
 * the same thing, and in which order they must be.
 */
#ifndef WSNAP_DEVICE_PLACE_H
#define WSNAP_DEVICE_PLACE_H

#include "base/json.h"

/* The lists of a spec that edits go to. */
enum ledger_list {
	LEDGER_ENV,
	LEDGER_DEVICES,
	LEDGER_DEVICE_RULES,
	LEDGER_MOUNTS,
	LEDGER_GIDS,
	LEDGER_PRESTART,
	LEDGER_CREATE_RUNTIME,
	LEDGER_CREATE_CONTAINER,
	LEDGER_START_CONTAINER,
	LEDGER_POSTSTART,
	LEDGER_POSTSTOP,
};

struct device_place {
	const char *path;
	bool (*is_same)(const cJSON *a, const cJSON *b);
	bool parents_first; /* mounts */
};

const struct device_place *device_place_of(enum ledger_list list);

/* The place with this path, or NULL. */
const struct device_place *device_place_find(const char *path);

/* The last item that `item` would stand for, or NULL. */
cJSON *device_place_same(const struct device_place *place, const cJSON *array, const cJSON *item);

/* The item that a new one has to be put in front of, or NULL. */
cJSON *device_place_before(const struct device_place *place, const cJSON *array, const cJSON *item);

#endif
