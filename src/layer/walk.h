/*
 * A walk down several directory trees at once, by descriptors only: a stack of frames, one for each level,
 * each with the descriptors of one directory as some of the trees have it (its places).
 *
 * Trees may be deeper than descriptors are allowed: frames in the middle of a deep stack are
 * parked, which is to say their descriptors are closed and found again by file handle on the way back.
 * Nothing is followed: no symbolic link, and no mount or subvolume inside a tree (ERROR_REFUSED).
 */
#ifndef WSNAP_LAYER_WALK_H
#define WSNAP_LAYER_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "layer/names.h"

struct walk_place {
	int fd;        /* open for reading */
	uint32_t root; /* the place of the root frame that it lies under */
	dev_t device;
	struct file_handle *handle; /* while the frame is parked */
};

struct walk_frame {
	char *name; /* in the frame above */
	struct walk_place *places;
	size_t count;
	struct names names; /* the caller's: what is found here */
	unsigned flags;     /* the caller's */
	uint32_t split[2];  /* the caller's */
};

/* Zeroed, it is empty. */
struct walk {
	struct walk_frame *frames;
	size_t depth, capacity;
	size_t open;   /* descriptors */
	size_t budget; /* how many there should be at most */
	size_t parked; /* frames 1 to this one are parked */
	bool vanished; /* a directory that was found is not there any more: why a call failed */
};

#define cleanup_walk __attribute__((cleanup(walk_release)))

/* Opens the root frame on these directories (absolute paths; the last component no link). */
int walk_begin(struct walk *walk, const char *const *paths, size_t count, struct error *err);

/* Pushes the frame of a directory in the top frame: one place for each of child->places, in this order. */
int walk_enter(struct walk *walk, const struct name_entry *child, struct error *err);

/* Pops the top frame; the one above has open descriptors again. */
int walk_leave(struct walk *walk, struct error *err);

/* The top frame, or NULL when the walk is over. Valid until the next walk_ call. */
struct walk_frame *walk_top(const struct walk *walk);

/* Puts "in '<directory of the top frame>': " in front of the message. Returns -1. */
int walk_wrap(const struct walk *walk, struct error *err);

void walk_release(struct walk *walk);

#endif
