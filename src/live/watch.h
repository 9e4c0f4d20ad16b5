/*
 * What the kernel tells of changes to a writable layer while it is copied (fanotify(7)). Two marks, since each tells
 * what the other does not: one on the overlay itself, which tells of writes by every way, and one on each
 * directory of the writable layer, with names.
 *
 * A thread reads as they come. Where a mark cannot be had, or events were lost, `lost` says so: then all of the layer
 * has to be looked at in the freeze.
 */
#ifndef WSNAP_LIVE_WATCH_H
#define WSNAP_LIVE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "live/moves.h"

/* A file that was written to, and could not be found in the layer yet. */
struct stray {
	int file;
	dev_t device;
	ino_t inode;
};

struct watch {
	int overlay, names; /* fanotify groups */
	bool maps_unheard;  /* nothing tells of what was stored through a mapping that has ended: Linux before 6.5 */
	int wake;           /* ends the thread */
	bool tells_errors;  /* an event says where its file could not be opened */
	bool known_handles; /* the inode numbers in the layer's file handles can be read */
	int upper;          /* the writable layer's root; the caller's */
	pthread_t thread;
	bool threaded;
	pthread_mutex_t lock; /* around what follows */
	struct moves moves;
	struct stray *strays;
	size_t stray_count;
	atomic_bool lost;
	int lost_errno; /* why a mark could not be had */
};

/* `merged` is a path on the overlay. `maps_unheard`: also where the kernel would tell. */
int watch_begin(struct watch *watch, const char *merged, int upper, bool maps_unheard, struct error *err);

/* Watches a folder of the layer from now on; before it is listed. */
void watch_folder(struct watch *watch, int folder);

/*
 * Watches a file for itself. overlayfs tells of changes under the name that it knows the file by in the layer, which
 * may have gone with its folder long ago, so that no folder tells of them. The mark goes when the kernel forgets the inode,
 * and with it that name: so it keeps no inode in memory, and takes about 100 bytes of the kernel's for each that is.
 */
void watch_file(struct watch *watch, int folder, const char *name);

/* Takes what was told until now: all of it when the processes are frozen. `moves` is empty before. */
int watch_take(struct watch *watch, struct moves *moves, struct error *err);

/* What the workspace calls a path that the host sees in its root; NULL: it does not lie in one. */
const char *watch_inside(const char *path);

/*
 * Adds a file of the overlay, as `status` describes it and the link `link` in `dir` (/proc/…/fd) leads to it, to the moves:
 * 1, or 0 when the layer does not have it where its path says.
 */
int watch_find(int upper, int dir, const char *link, const struct stat *status, unsigned flags, struct moves *moves,
	       struct error *err);

/* Whether a file of the layer is in the state that the overlay shows of one. */
bool watch_is_same(const struct stat *a, const struct stat *b);

/* In the freeze: tries the strays again. Those that are not found even now: calls `each` with their status. */
typedef int (*watch_each_stray)(const struct stat *status, void *context, struct error *err);
int watch_settle(struct watch *watch, struct moves *moves, watch_each_stray each, void *context, struct error *err);

/* Returns the group that has the marks, -1 for none: the caller closes it. With very many of them that takes long. */
int watch_end(struct watch *watch);

#endif
