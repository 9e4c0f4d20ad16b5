/*
 * Extended attributes of one entry, named by an open directory and a single path component that
 * is never followed ("." is the directory itself), and what overlayfs writes into
 * its own ones (kernel documentation, filesystems/overlayfs).
 */
#ifndef WSNAP_LAYER_XATTRS_H
#define WSNAP_LAYER_XATTRS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* The kernel's own limits (xattr(7)). */
#define XATTRS_LIST_SIZE 65536
#define XATTRS_VALUE_SIZE 65536

/* Memory for the functions below; too large for the stack. Its content means nothing between calls. */
struct xattrs_buffer {
	char list[XATTRS_LIST_SIZE];
	char other_list[XATTRS_LIST_SIZE];
	char value[XATTRS_VALUE_SIZE];
	char other_value[XATTRS_VALUE_SIZE];
};

/*
 * Reads what overlayfs noted on an entry: whether it is an opaque directory. ERROR_REFUSED when
 * there is a mark whose meaning lies outside of the entry or that is not known here: redirect,
 * metacopy, whiteouts made of extended attributes.
 */
int xattrs_read_marks(int dir, const char *name, bool *opaque, struct xattrs_buffer *buffer, struct error *err);

/* Copies all but overlayfs's own. ERROR_REFUSED as above. */
int xattrs_copy(int from, const char *from_name, int to, const char *to_name, struct xattrs_buffer *buffer,
		struct error *err);

/* Removes what the entry got from the directory above it when it was made (a default ACL). */
int xattrs_remove_acls(int dir, const char *name, struct error *err);

/* Whether both have the same ones, overlayfs's own aside: 1, 0, or -1 on an error. */
int xattrs_equal(int a, const char *a_name, int b, const char *b_name, struct xattrs_buffer *buffer, struct error *err);

/* Marks a directory as opaque: nothing shows through from below. */
int xattrs_mark_opaque(int dir, const char *name, struct error *err);

/*
 * Marks a directory that holds whiteouts. Where no layer below has the directory, overlayfs lists it as it
 * is, with the whiteouts as entries, unless an origin is noted on it; an empty one stands for "not known"
 * (fs/overlayfs, ovl_check_origin_xattr).
 */
int xattrs_mark_whiteouts(int dir, const char *name, struct error *err);

#endif
