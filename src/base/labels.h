/*
 * A small map of strings in the order in which they came: labels of containers
 * and snapshots, annotations. The map owns copies of its keys and values.
 */
#ifndef WSNAP_BASE_LABELS_H
#define WSNAP_BASE_LABELS_H

#include <stddef.h>

#include "base/error.h"

struct label {
	char *key;
	char *value;
};

struct labels {
	struct label *items;
	size_t count;
};

#define cleanup_labels __attribute__((cleanup(labels_release)))

/* The value of a key, or NULL. Belongs to the map. */
const char *labels_get(const struct labels *labels, const char *key);

/* Adds the key or replaces its value. -1: out of memory, the map is as before. */
int labels_set(struct labels *labels, const char *key, const char *value, struct error *err);

int labels_copy(struct labels *to, const struct labels *from, struct error *err);

void labels_release(struct labels *labels);

#endif
