#include "layer/inodes.h"

#include <search.h>
#include <stdlib.h>

static int compare_inodes(const void *left, const void *right)
{
	const struct inode *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static void free_inode(void *node)
{
	struct inode *inode = node;

	free(inode->copy);
	free(inode);
}

struct inode *inodes_find(const struct inodes *inodes, const struct stat *status)
{
	struct inode key = { .device = status->st_dev, .number = status->st_ino };
	struct inode *const *found = tfind(&key, &inodes->tree, compare_inodes);

	return found ? *found : NULL;
}

int inodes_add(struct inodes *inodes, const struct stat *status, struct file_handle *copy, struct error *err)
{
	struct inode *inode = calloc(1, sizeof(*inode));

	if (!inode) {
		free(copy);
		return error_memory(err);
	}
	*inode = (struct inode){ .device = status->st_dev, .number = status->st_ino, .copy = copy };
	if (!tsearch(inode, &inodes->tree, compare_inodes)) {
		free_inode(inode);
		return error_memory(err);
	}
	return 0;
}

void inodes_release(struct inodes *inodes)
{
	tdestroy(inodes->tree, free_inode);
	inodes->tree = NULL;
}
