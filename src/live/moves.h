/*
 * What has moved in a writable layer: a set of names, each in a folder that is known by its inode number. The
 * name "" stands for the folder itself, MOVES_INODE for whatever has the inode number, under all its names.
 */
#ifndef WSNAP_LIVE_MOVES_H
#define WSNAP_LIVE_MOVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	MOVE_CONTENT = 1, /* something was written: it is taken again whatever its times say */
	MOVE_WHOLE = 2,   /* a folder came here: all that is in it has to be looked at */
	MOVE_MAPPED = 4,  /* it is mapped shared: stores show only once its pages were written back */
	MOVE_DIRECT = 8,  /* writes past the page cache may be under way, and land later */
	MOVE_ALL = 15,
};

#define MOVES_INODE "/"

struct move {
	uint64_t folder;
	size_t name; /* among the names */
	unsigned flags;
	uint32_t next;
};

/* Zeroed, it is empty. */
struct moves {
	struct move *items;
	uint32_t count, capacity;
	uint32_t *buckets;
	char *names;
	size_t names_length, names_capacity;
};

int moves_add(struct moves *moves, uint64_t folder, const char *name, unsigned flags, struct error *err);

/* Adds all of `from`, with those of their flags that are in `mask`. */
int moves_add_all(struct moves *moves, const struct moves *from, unsigned mask, struct error *err);

static inline const char *moves_name(const struct moves *moves, uint32_t at)
{
	return moves->names + moves->items[at].name;
}

void moves_release(struct moves *moves);

#define cleanup_moves __attribute__((cleanup(moves_release)))

#endif
