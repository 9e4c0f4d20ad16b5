/*
 * File handles (name_to_handle_at(2)): how the module finds a file again without a descriptor
 * held open or a path walked. For one run only. Needs CAP_DAC_READ_SEARCH, and a filesystem that can be
 * exported (ext4, xfs and btrfs can).
 */
#ifndef WSNAP_LAYER_HANDLE_H
#define WSNAP_LAYER_HANDLE_H

#include <fcntl.h>

/* The handle of `name` in `dir`, links not followed; an empty name: of `dir` itself. The caller frees
 * it. NULL with errno. */
struct file_handle *handle_of(int dir, const char *name);

/* Opens what the handle stands for; `mount` is a descriptor on its filesystem. -1 with errno. */
int handle_open(int mount, struct file_handle *handle, int flags);

#endif
