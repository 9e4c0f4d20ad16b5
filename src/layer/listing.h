/*
 * What one directory of a layer holds, entry by entry, with what overlayfs takes
 * each entry for. `.` and `..` are left out.
 */
#ifndef WSNAP_LAYER_LISTING_H
#define WSNAP_LAYER_LISTING_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"

enum entry_kind {
	ENTRY_DIRECTORY,
	ENTRY_REGULAR,
	ENTRY_WHITEOUT, /* a character device 0:0 */
	ENTRY_OTHER,    /* symbolic link, FIFO, socket, device */
};

struct entry {
	const char *name; /* valid until the next call */
	enum entry_kind kind;
};

#define LISTING_BUFFER 32768

struct listing {
	int dir;
	size_t filled, offset; /* bytes of buffer */
	_Alignas(8) char buffer[LISTING_BUFFER];
};

/* `dir` is a directory opened for reading that has not been listed before; it stays the caller's. */
void listing_begin(struct listing *listing, int dir);

/* 1 with the next entry, 0 at the end, -1 on an error. */
int listing_next(struct listing *listing, struct entry *entry, struct error *err);

/* What a file with this status is. */
enum entry_kind listing_kind(const struct stat *status);

#endif
