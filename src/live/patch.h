/* A file whose earlier state has been copied: only what differs is written again. */
#ifndef WSNAP_LIVE_PATCH_H
#define WSNAP_LIVE_PATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes `to` hold the `size` bytes of `from`, by reference if `clone`. Adds the bytes written. -1 with errno. */
int patch_content(int from, int to, off_t size, bool clone, uint64_t *bytes);

#endif
