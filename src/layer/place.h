/*
 * Puts entries of layers, directories aside, into a merge's result: as a new file with the same metadata whose content
 * is shared by reference or copied. Or only adds up what that would take.
 */
#ifndef WSNAP_LAYER_PLACE_H
#define WSNAP_LAYER_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/inodes.h"
#include "layer/listing.h"
#include "layer/xattrs.h"

struct placer {
	int target;    /* the result's root, for handles; the caller's */
	bool clones;   /* the filesystem shares content by reference */
	bool measures; /* nothing is written */
	struct inodes inodes;
	struct xattrs_buffer *buffer;
	uint64_t copied_bytes;
};

#define cleanup_placer __attribute__((cleanup(placer_release)))

int placer_begin(struct placer *placer, enum layer_marks marks, int target, struct error *err);

/* Puts `entry` of the directory `from` into the directory `to` under the same name. */
int placer_put(struct placer *placer, int from, const struct entry *entry, int to, struct error *err);

void placer_release(struct placer *placer);

#endif
