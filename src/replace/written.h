/* What others write while the change is made: it is not taken away. For the files that make the change. */
#ifndef WSNAP_REPLACE_WRITTEN_H
#define WSNAP_REPLACE_WRITTEN_H

#include "replace/replace.h"

/* Before a file is replaced or removed. ERROR_FAILED where it is not what it was when replace_watch() was called. */
int written_check(struct replace *replace, const char *path, struct error *err);

/* Before each change: ERROR_FAILED where it is to end there. */
int written_check_stop(const struct replace *replace, struct error *err);

void written_release(struct replace *replace);

#endif
