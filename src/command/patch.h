/* The text differences of single files, told by diff(1). */
#ifndef WSNAP_COMMAND_PATCH_H
#define WSNAP_COMMAND_PATCH_H

#include "compare/compare.h"
#include "output/output.h"
#include "workspace/signals.h"

/* Writes what differs in the content of an item, as `diff -u` tells it; nothing where neither side is a regular file.
 * SIGPIPE is held back by `signals`: where a closed pipe has ended diff(1), it is pending for us. ERROR_FAILED when diff(1)
 * cannot be run. */
int patch_write(struct output *out, const struct compare_item *item, const struct signals *signals, struct error *err);

#endif
