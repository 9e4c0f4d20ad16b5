/*
 * The names of one directory as several layers have it. Every name is kept with the
 * places (indices of the layers' directories, newest first) that have it as a directory
 * which shows; a name without places is one that only hides older ones.
 */
#ifndef WSNAP_LAYER_NAMES_H
#define WSNAP_LAYER_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct name_entry {
	struct name_entry *next;
	uint32_t *places;
	uint32_t count, capacity; /* of places */
	bool closed;              /* nothing older shows */
	bool opaque;              /* nothing below all layers may show */
	uint32_t split[2];        /* the caller's */
	char name[];
};

/* Zeroed, it is empty. */
struct names {
	void *tree;
	struct name_entry *first, *last;
};

/* The entry of a name that names_index() was called for, or NULL. */
struct name_entry *names_find(const struct names *names, const char *name);

/* A new entry at the end, which belongs to `names`. NULL: out of memory. */
struct name_entry *names_add(struct names *names, const char *name, struct error *err);

/* Lets names_find() find the entry. */
int names_index(struct names *names, struct name_entry *entry, struct error *err);

int names_add_place(struct name_entry *entry, uint32_t place, struct error *err);

/* Takes the first entry with places out, and drops those before it and the index. The caller gives it
 * to name_entry_free(). NULL when there is none left. */
struct name_entry *names_take_directory(struct names *names);

void name_entry_free(struct name_entry *entry);
void names_release(struct names *names);

static inline void name_entry_cleanup(struct name_entry **entry)
{
	name_entry_free(*entry);
}

#define cleanup_name_entry __attribute__((cleanup(name_entry_cleanup)))

#endif
