/*
 * Puts entries of layers, directories aside, into a merge's result: as a new file with the same metadata whose content
 * is shared by reference or copied. Or only adds up what that would take.
 */
#ifndef WSNAP_LAYER_LAYER_WRITER_H
#define WSNAP_LAYER_LAYER_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/inodes.h"
#include "layer/listing.h"
#include "layer/xattrs.h"

struct layer_writer {
	int target;    /* the result's root, for handles; the caller's */
	bool clones;   /* the filesystem shares content by reference */
	bool measures; /* nothing is written */
	struct inodes inodes;
	struct file_handle *whiteout; /* one that is in the result; NULL */
	struct xattrs_buffer *buffer;
	uint64_t copied_bytes;
};

#define cleanup_layer_writer __attribute__((cleanup(layer_writer_release)))

int layer_writer_begin(struct layer_writer *writer, enum layer_marks marks, int target, struct error *err);

/* Puts `entry` of the directory `from` into the directory `to` under the same name. */
int layer_writer_put(struct layer_writer *writer, int from, const struct entry *entry, int to, struct error *err);

void layer_writer_release(struct layer_writer *writer);

#endif
