/* The extended attributes of an entry that are content: all but overlayfs's own (marks.h). */
#ifndef WSNAP_LAYER_ATTRIBUTES_H
#define WSNAP_LAYER_ATTRIBUTES_H

#include "layer/xattrs.h"

/* Copies all but overlayfs's own. ERROR_REFUSED for one of its own that says what cannot be carried over. */
int xattrs_copy(int from, const char *from_name, int to, const char *to_name, struct xattrs_buffer *buffer,
		struct error *err);

/* Removes all but overlayfs's own. */
int xattrs_remove_all(int dir, const char *name, struct xattrs_buffer *buffer, struct error *err);

/* Whether both have the same ones, overlayfs's own aside: 1, 0, or -1 on an error. */
int xattrs_equal(int a, const char *a_name, int b, const char *b_name, struct xattrs_buffer *buffer, struct error *err);

#endif
