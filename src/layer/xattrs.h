/*
 * Extended attributes of one entry, named by an open directory and a single path component that
 * is never followed ("." is the directory itself). Which of them are overlayfs's own is for marks.h to say.
 */
#ifndef WSNAP_LAYER_XATTRS_H
#define WSNAP_LAYER_XATTRS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "layer/layer.h"

/* The kernel's own limits (xattr(7)). */
#define XATTRS_LIST_SIZE 65536
#define XATTRS_VALUE_SIZE 65536

/* Memory for the functions below; too large for the stack. Its content means nothing between calls. */
struct xattrs_buffer {
	enum layer_marks marks; /* whose attributes are overlayfs's own: set by the caller */
	char list[XATTRS_LIST_SIZE];
	char other_list[XATTRS_LIST_SIZE];
	char value[XATTRS_VALUE_SIZE];
	char other_value[XATTRS_VALUE_SIZE];
};

/* There are no *xattrat() calls before Linux 6.13; a name behind a descriptor in /proc does the same. */
struct xattr_path {
	char text[sizeof("/proc/self/fd//") + 12 + NAME_MAX];
};
const char *xattr_path_of(struct xattr_path *path, int dir, const char *name);

/* Takes out of a list of `length` bytes what says the same as another one in it, but with the ids that lie on the disk, whatever
 * the mount shows: the form in which xfs keeps ACLs. What is left. */
ssize_t xattrs_drop_raw(char *list, ssize_t length);

/* Bytes of the names in `list`, each ended by a NUL, without those. Filesystems without attributes have none. */
ssize_t xattrs_list(const char *path, const char *name, char list[static XATTRS_LIST_SIZE], struct error *err);

/* Removes what the entry got from the directory above it when it was made (a default ACL). */
int xattrs_remove_acls(int dir, const char *name, struct error *err);

#endif
