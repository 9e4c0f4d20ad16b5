/*
 * What overlayfs notes on the entries of a layer and what that means (kernel documentation,
 * filesystems/overlayfs), in one place: whiteouts of both kinds, opaque directories, and what points out of an entry.
 *
 * The notes are extended attributes below "trusted.overlay.", or below "user.overlay." where the overlay is mounted
 * with `userxattr`. What has the other name there is content like any other.
 */
#ifndef WSNAP_LAYER_MARKS_H
#define WSNAP_LAYER_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "layer/layer.h"
#include "layer/listing.h"
#include "layer/xattrs.h"

/* Whether the attribute is overlayfs's own: it never shows, and is no content. */
bool marks_own(enum layer_marks kind, const char *attribute);

/* Whether a copy of the entry can do without this one of overlayfs's own: it says nothing about what the entry
 * shows, or is one that is set anew where it holds (opaque). */
bool marks_is_carried(enum layer_marks kind, const char *attribute);

/* Whether a directory hides all that lies below it: 1, 0, -1. ERROR_REFUSED where a mark's meaning lies outside of the
 * entry or is not known here (redirect, metacopy): that goes for any entry. */
int marks_read_opaque(struct xattrs_buffer *buffer, int dir, const char *name, struct error *err);

/* Refuses an attribute of overlayfs's own that says what cannot be carried over. Returns -1. */
int marks_refuse(const char *attribute, const char *name, struct error *err);

/*
 * What overlayfs takes an entry for. A whiteout is a character device 0:0, or an empty regular file with the
 * mark "whiteout" (Linux 6.7): no lookup finds that, whatever its directory's mark says. -1 on an error.
 */
int marks_entry_kind(enum layer_marks kind, int dir, const char *name, const struct stat *status,
		     enum entry_kind *entry_kind, struct error *err);

/* The same for an entry that a listing calls a regular file. */
int marks_look(enum layer_marks kind, int dir, struct entry *entry, struct error *err);

/* Marks a directory as opaque: nothing shows through from below. */
int marks_set_opaque(enum layer_marks kind, int dir, const char *name, struct error *err);

/*
 * Marks a directory that holds whiteouts. Where no layer below has the directory, overlayfs lists it as it
 * is, with the whiteouts as entries, unless an origin is noted on it; an empty one stands for "not known"
 * (fs/overlayfs, ovl_check_origin_xattr).
 */
int marks_set_whiteouts(enum layer_marks kind, int dir, const char *name, struct error *err);

#endif
