/* The mounts of this process's namespace (proc(5), mountinfo). */
#ifndef WSNAP_WORKSPACE_MOUNT_TABLE_H
#define WSNAP_WORKSPACE_MOUNT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct mount_entry {
	const char *point; /* where it is mounted */
	const char *type;
	const char *source;
};

/* The first mount that is wanted: 1, its point in *point (which may be NULL; the caller frees); 0 there is none; -1 with errno
 * when the table cannot be read. */
typedef bool (*mount_table_wanted)(const struct mount_entry *entry, const void *context);
int mount_table_find(mount_table_wanted wanted, const void *context, char **point);

/* Whether a mount of that source lies on the folder (an absolute path without links). Where the table cannot be read: true,
 * nothing is taken away then. */
bool mount_table_has(const char *folder, const char *source);

/* Whether there is any mount whose source begins so. Where the table cannot be read: true. */
bool mount_table_has_sources(const char *prefix);

/* Whether an overlay is mounted that writes into the folder. Where the table cannot be read: false. */
bool mount_table_has_upper(const char *folder);

/* Whether anything is mounted on the folder. */
bool mount_table_is_point(const char *folder);

/* Calls `each` with the place of every mount that a process sees, as it sees it, but for its root. 0; -1 where the table cannot
 * be read, or `each` has failed. */
typedef int (*mount_table_each_point)(const char *point, void *context, struct error *err);
int mount_table_each(uint32_t pid, mount_table_each_point each, void *context, struct error *err);

#endif
