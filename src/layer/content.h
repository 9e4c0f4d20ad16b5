/* The bytes of regular files: shared by reference, copied with their holes, compared. */
#ifndef WSNAP_LAYER_CONTENT_H
#define WSNAP_LAYER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether files in this directory can share their content (FICLONE, ioctl_ficlone(2)). */
bool content_can_clone(int dir);

enum content_how {
	CONTENT_CLONE = 1,        /* by reference, and copied where that does not go */
	CONTENT_WRITE_BEHIND = 2, /* write_behind.h: where others are at work, not where they stand still for it */
};

/* Makes the empty file `to` hold the `size` bytes of `from`, as the flags say. Holes stay holes. Adds the bytes copied. -1 with
 * errno. */
int content_copy(int from, int to, off_t size, unsigned how, uint64_t *copied_bytes);

/* Whether the first `size` bytes are the same: 1, 0, or -1 with errno. */
int content_equal(int a, int b, off_t size);

#endif
