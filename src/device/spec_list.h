/*
 * The lists in an OCI runtime spec that device edits go to: where they are, which of their items stand for
 * the same thing, and in which order they must be.
 */
#ifndef WSNAP_DEVICE_SPEC_LIST_H
#define WSNAP_DEVICE_SPEC_LIST_H

#include "base/json.h"

/* The lists of a spec that edits go to. */
enum spec_list_id {
	SPEC_ENV,
	SPEC_DEVICES,
	SPEC_DEVICE_RULES,
	SPEC_MOUNTS,
	SPEC_GIDS,
	SPEC_PRESTART,
	SPEC_CREATE_RUNTIME,
	SPEC_CREATE_CONTAINER,
	SPEC_START_CONTAINER,
	SPEC_POSTSTART,
	SPEC_POSTSTOP,
};

struct spec_list {
	const char *path;
	bool (*is_same)(const cJSON *a, const cJSON *b);
	bool parents_first; /* mounts */
};

const struct spec_list *spec_list_of(enum spec_list_id id);

/* The list with this path, or NULL. */
const struct spec_list *spec_list_find(const char *path);

/* The last item that `item` would stand for, or NULL. */
cJSON *spec_list_same(const struct spec_list *list, const cJSON *array, const cJSON *item);

/* The item that a new one has to be put in front of, or NULL. */
cJSON *spec_list_before(const struct spec_list *list, const cJSON *array, const cJSON *item);

#endif
