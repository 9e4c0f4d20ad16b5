/* A sorted set of strings, each a copy. */
#ifndef WSNAP_BASE_NAMES_SET_H
#define WSNAP_BASE_NAMES_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct names_set {
	char **items; /* in the order of strcmp */
	size_t count;
	size_t capacity;
};

#define cleanup_names_set __attribute__((cleanup(names_set_release)))

/* Adds a copy; a name that is in it already is no error. -1: out of memory, the set is as before. */
int names_set_add(struct names_set *set, const char *name, struct error *err);

bool names_set_has(const struct names_set *set, const char *name);

void names_set_release(struct names_set *set);

#endif
