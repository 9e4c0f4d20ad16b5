/*
 * Inodes with several names that were met in a walk, so that the second name becomes a hard link to what
 * was made for the first, or is not counted again.
 */
#ifndef WSNAP_LAYER_INODES_H
#define WSNAP_LAYER_INODES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct inode {
	dev_t device;
	ino_t number;
	struct file_handle *copy; /* what was made for it, or NULL */
	nlink_t names;            /* for the caller: how many were met */
	int64_t time;             /* for the caller: when its state changed last */
};

/* Zeroed, it is empty. */
struct inodes {
	void *tree;
};

/* The inode, or NULL when it is new. */
struct inode *inodes_find(const struct inodes *inodes, const struct stat *status);

/* Adds one that is new; takes `copy` over, also when it fails. */
int inodes_add(struct inodes *inodes, const struct stat *status, struct file_handle *copy, struct error *err);

void inodes_release(struct inodes *inodes);

#define cleanup_inodes __attribute__((cleanup(inodes_release)))

#endif
