/*
 * Writes a file that is being copied back to its disk while more of it is copied, so that little waits to be written at any
 * moment: whoever syncs a file of his own waits for all that a commit of the filesystem's journal has to write first (ext4's
 * data=ordered, ext4(5)), which would be the whole copy. sync_file_range(2) and, since overlayfs has none of that, fdatasync(2).
 */
#ifndef WSNAP_LAYER_WRITE_BEHIND_H
#define WSNAP_LAYER_WRITE_BEHIND_H

#include <stdbool.h>
#include <sys/types.h>

/* So many bytes are begun to be written at a time, and at most twice as many of one file wait for it; through an overlay eight
 * times as many. */
#define WRITE_BEHIND_WINDOW ((off_t)4 << 20)

struct write_behind {
	int file;     /* the caller's, or -1: nothing is done */
	bool overlay; /* it is seen through one */
	off_t begun;  /* all up to here is being written, or is … */
	off_t before; /* … and up to here when the window before that was begun */
};

/* `file`, which is empty: the caller's. */
struct write_behind write_behind_begin(int file);

/* The file is written up to `end` by now, from its beginning on. -1 with errno: the disk has failed. */
int write_behind_reach(struct write_behind *behind, off_t end);

/* No more is coming. What is left is begun, unless it is little: many small files are the kernel's to gather. */
void write_behind_end(struct write_behind *behind, off_t end);

#endif
