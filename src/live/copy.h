/*
 * Puts entries of a writable layer, which may change all the while, into a new layer. A file that the new layer has
 * already, in an earlier state, is brought up to date in place.
 *
 * Results: 1 done; 0 the entry changed while it was copied (it is gone, has become another, or is shorter), and the new
 * layer has none of that name; -1 a real failure.
 */
#ifndef WSNAP_LIVE_COPY_H
#define WSNAP_LIVE_COPY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "layer/inodes.h"
#include "layer/xattrs.h"

struct copier {
	int layer;   /* the new layer's root; the caller's */
	bool clones; /* the filesystem shares content by reference */
	struct inodes links;
	struct file_handle *whiteout; /* one that is in the new layer; NULL */
	struct xattrs_buffer *buffer;
	unsigned round; /* each pass has its own number: in one pass an inode with several names is copied once */
	bool frozen;    /* nobody is at work in the writable layer */
	bool sync;      /* write the pages back before the next one is read, so that later stores show */
	bool synced;    /* that was done, and has worked */
	bool inherited; /* a folder of the new layer hands its ACL down to what is made in it */
	bool fresh;     /* the inode that was put last was copied by that call, and has other names */
	uint64_t bytes, entries;
};

#define cleanup_copier __attribute__((cleanup(copier_release)))

int copier_begin(struct copier *copier, enum layer_marks marks, int layer, struct error *err);
void copier_release(struct copier *copier);

/* Anything but a folder. `there`: the layer has an earlier state of the same regular file. */
int copier_put(struct copier *copier, int from, const char *name, const struct stat *status, int to, bool there,
	       struct error *err);

/* An empty folder, whose metadata come last: 0, -1. */
int copier_make_folder(struct copier *copier, int to, const char *name, bool opaque, struct error *err);

/* Gives the folder `to` the metadata of the folder `from`. 0 when `from` moved. */
int copier_finish_folder(struct copier *copier, int from, int to, struct error *err);

/* A whiteout in a folder of the layer: 0, -1. */
int copier_put_whiteout(struct copier *copier, int to, const char *name, struct error *err);

/* Takes whatever has this name out of the layer: 0, -1. */
int copier_remove(int to, const char *name, struct error *err);

#endif
