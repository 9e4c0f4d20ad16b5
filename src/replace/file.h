/* The regular files that a change puts in place. */
#ifndef WSNAP_REPLACE_FILE_H
#define WSNAP_REPLACE_FILE_H

#include <sys/stat.h>

#include "replace/replace.h"

/* Makes the open empty file `to` all that the tree's file `name` in `folder` is, whose status is `status`. `how`: of
 * layer/content.h. */
int file_make(struct replace *replace, int folder, const char *name, const struct stat *status, int to, unsigned how,
	      struct error *err);

#endif
