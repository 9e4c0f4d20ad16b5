/*
 * The parts of a comparison of two stacks of layers (changes.c says how it goes); internal to changes*.c.
 *
 * Functions here return 1 for the same, 0 for a change, -1 on an error, unless they say otherwise.
 */
#ifndef WSNAP_LAYER_CHANGES_H
#define WSNAP_LAYER_CHANGES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "layer/layer.h"
#include "layer/same.h"
#include "layer/walk.h"

enum { ONE, OTHER, STACKS };

struct changes {
	struct walk walk;
	struct same same;
	uint32_t *showing[STACKS];     /* room for the places of one directory */
	const char **roots;            /* the layers, by the walk's numbers */
	const struct layer_diff *told; /* NULL: the first change is the answer */
};

/* Where a stack shows a name. */
struct shown {
	bool found;
	bool looked; /* at what is in `status` */
	uint32_t place;
	struct stat status;
};

/* How many of the frame's places belong to one stack alone. */
static inline uint32_t changes_own_count(const struct walk_frame *frame)
{
	return frame->split[ONE] + frame->split[OTHER];
}

/* What a stack shows under the name of an entry, whose places are those of the two stacks' own that have it. 1; 0: what
 * was listed is not there any more; -1. */
int changes_show(const struct changes *changes, const struct walk_frame *frame, const struct name_entry *entry,
		 int stack, struct shown *shown, struct error *err);

/* Prepares the walk into an entry that is a directory in at least one of the stacks: its places become those that
 * show in it. Without any it is not entered, since nothing can differ there. */
int changes_prepare(struct changes *changes, const struct walk_frame *frame, struct name_entry *entry,
		    const struct shown *shown, struct error *err);

/* Tells of what differs; `name` NULL: of the root. 1: it is told, 0: nobody wants to know more than that, -1. */
int changes_tell(const struct changes *changes, const struct walk_frame *frame, const char *name,
		 const struct shown *shown, struct error *err);

/* Whether anybody asks for the name, or for what may lie below it. 1, 0, -1. */
int changes_are_wanted(const struct changes *changes, const char *name, struct error *err);

#endif
