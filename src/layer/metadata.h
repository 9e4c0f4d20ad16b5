/* Owner, mode, times and extended attributes of one entry, named as in xattrs.h. */
#ifndef WSNAP_LAYER_METADATA_H
#define WSNAP_LAYER_METADATA_H

#include <sys/stat.h>

#include "base/error.h"
#include "layer/xattrs.h"

/* Gives `to_name` all the metadata of `from_name`, whose status is `status`. Its content must be
 * there already: writing changes times and drops file capabilities. */
int metadata_copy(int from, const char *from_name, const struct stat *status, int to, const char *to_name,
		  struct xattrs_buffer *buffer, struct error *err);

#endif
