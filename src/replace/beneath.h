/*
 * Finding entries below a folder in which others may be at work: nothing is followed on the way, no symbolic link and no
 * mount, however long the path is. Paths are relative, "" is the folder itself.
 */
#ifndef WSNAP_REPLACE_BENEATH_H
#define WSNAP_REPLACE_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>

/* Opens a folder. -1 with errno: ENOENT it is not there, ENOTDIR or ELOOP something else is, EXDEV a mount is in between. */
int beneath_open(int root, const char *path, int flags);

/* The folder that was found last, since the next path often lies in the same. Zeroed but for `root`, and `folder` -1. */
struct beneath {
	int root;
	int folder;
	char *path;
};

#define BENEATH(folder_of_all)                        \
	(struct beneath)                              \
	{                                             \
		.root = (folder_of_all), .folder = -1 \
	}
#define cleanup_beneath __attribute__((cleanup(beneath_release)))

/* The folder that holds an entry, which stays the value's, and the entry's name in it ("." of the root itself). -1 with errno. */
int beneath_parent(struct beneath *beneath, const char *path, const char **name);

/* After something was moved or removed: what was found last may not be there any more. */
void beneath_forget(struct beneath *beneath);
void beneath_release(struct beneath *beneath);

/* Whether a mount lies on the entry: what would be seen there, and changed, is another filesystem. */
bool beneath_is_mount(int folder, const char *name);

/* Whether errno says that a path, or something on the way to it, is not there, is of another kind, or lies in a mount. */
bool beneath_is_gone(int number);

#endif
