/*
 * Files that a process of the workspace may write to, and that the layer does not have under the path by which they are known: they got
 * their name late (O_TMPFILE), lost the one by which they were opened, or are seen through a mount. The layer's tree may know
 * them by their inode numbers.
 */
#ifndef WSNAP_LIVE_STRAY_H
#define WSNAP_LIVE_STRAY_H

#include "live/pass_state.h"

/* `status` is what the overlay says of the file. */
int stray_add(struct pass *pass, const struct stat *status, struct error *err);

/* Whether the status in the layer is that of a file that is written to. */
bool stray_is(const struct pass *pass, const struct stat *status);

/*
 * In the freeze, when all names that were told have been looked at: adds to the moves every one that the tree knows. `overlay` is
 * the overlay's device. 1: these are all; 0: some are not known; -1.
 */
int stray_find(struct pass *pass, dev_t overlay, struct moves *moves, struct error *err);

#endif
