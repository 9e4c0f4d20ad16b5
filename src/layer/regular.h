/* Opening the files of a layer, in which a workspace may be at work. */
#ifndef WSNAP_LAYER_REGULAR_H
#define WSNAP_LAYER_REGULAR_H

#include <sys/types.h>

/*
 * Opens the regular file `name` in the directory for reading. Nothing else is ever opened, whatever the name becomes
 * meanwhile: opening a device may do something, and opening a FIFO wakes its writer. Links are not followed. -1 with
 * errno; EINVAL: it is no regular file. Needs /proc.
 */
int regular_open(int dir, const char *name);

/* The same, and it is the file with this inode; ESTALE: another has its name by now. */
int regular_open_same(int dir, const char *name, ino_t inode);

#endif
