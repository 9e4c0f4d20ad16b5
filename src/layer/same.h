/* Whether two entries of layers are the same to whoever looks at them: kind, owner, mode, attributes, content. */
#ifndef WSNAP_LAYER_SAME_H
#define WSNAP_LAYER_SAME_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "layer/xattrs.h"

struct same {
	struct xattrs_buffer *buffer;
	off_t file_limit;  /* a larger file that is not one and the same is not compared: it counts as changed … */
	off_t bytes_limit; /* … and so does the next, once this many bytes were read */
};

/* `name` in the directories `a` and `b`, with their statuses; of a directory itself alone. 1, 0, -1. */
int same_entries(struct same *same, int a, const struct stat *a_status, int b, const struct stat *b_status,
		 const char *name, struct error *err);

#endif
