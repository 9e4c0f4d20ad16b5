/* The mounts of this process's namespace (proc(5), mountinfo). */
#ifndef WSNAP_WORKSPACE_MOUNT_TABLE_H
#define WSNAP_WORKSPACE_MOUNT_TABLE_H

#include <stdbool.h>

/* Whether a mount of that source lies on the folder (an absolute path without links). Where the table cannot be read: true,
 * nothing is taken away then. */
bool mount_table_has(const char *folder, const char *source);

/* Whether there is any mount whose source begins so. Where the table cannot be read: true. */
bool mount_table_has_sources(const char *prefix);

/* Whether anything is mounted on the folder. */
bool mount_table_is_point(const char *folder);

#endif
