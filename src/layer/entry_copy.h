/* Makes an entry of one directory again in another, folders aside. Its metadata come after it (metadata.h). */
#ifndef WSNAP_LAYER_ENTRY_COPY_H
#define WSNAP_LAYER_ENTRY_COPY_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "layer/handle.h"

/* Makes the file `name` in the directory `to`, where that name is free, with the first `size` bytes of the open file
 * `source`, as the flags of content.h say. Adds the bytes copied. */
int entry_copy_file(int source, off_t size, int to, const char *name, unsigned how, uint64_t *copied_bytes,
		    struct error *err);

/* Makes anything else: a symbolic link like the one in the directory `from`, or what `status` says. */
int entry_copy_special(int from, const struct stat *status, int to, const char *name, struct error *err);

/* Makes a whiteout of the kind that every overlay takes, whatever its options. All in one layer, whose root is open, are names
 * of one inode, as far as it may have so many: `*whiteout` is NULL before the first one, and the caller frees it. */
int entry_put_whiteout(int layer, struct file_handle **whiteout, int to, const char *name, struct error *err);

#endif
