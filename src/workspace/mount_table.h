/* The mounts of this process's namespace (proc(5), mountinfo). */
#ifndef WSNAP_WORKSPACE_MOUNT_TABLE_H
#define WSNAP_WORKSPACE_MOUNT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct mount_entry {
	uint64_t id;
	const char *device; /* "8:1" */
	const char *root;   /* the folder of that device which is seen */
	const char *point;  /* where it is mounted */
	const char *type;
	const char *source;
};

/* The first mount that is wanted: 1, its point in *point (which may be NULL; the caller frees); 0 there is none; -1 with errno
 * when the table cannot be read. */
typedef bool (*mount_table_wanted)(const struct mount_entry *entry, const void *context);
int mount_table_find(mount_table_wanted wanted, const void *context, char **point);

/* The mount that is seen on a folder. */
struct mount_seen {
	char *source;
	char *identity; /* tells it from any other of this boot, but for further places of the same one */
};

/* Of the folder (an absolute path without links), where several lie on one another, the last: 1; 0 none lies there; -1 with
 * errno when the table cannot be read. */
int mount_table_seen(const char *folder, struct mount_seen *seen);
void mount_seen_release(struct mount_seen *seen);

#define cleanup_mount_seen __attribute__((cleanup(mount_seen_release)))

/* Whether the entry is the mount of that identity, or another place of it. */
bool mount_entry_is(const struct mount_entry *entry, const char *identity);

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
