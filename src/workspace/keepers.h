/*
 * Who needs a version beside the workspace: a folder that it is mounted on, a guard that may have to go back to it. Both say
 * so by labels, and both may be gone without having said so: then the labels count no more.
 */
#ifndef WSNAP_WORKSPACE_KEEPERS_H
#define WSNAP_WORKSPACE_KEEPERS_H

#include "ctr/snapshots.h"
#include "workspace/mount_table.h"
#include "workspace/session.h"

/* Views that show a version on a folder of this host. */
#define KIND_VIEW "view"
#define LABEL_MOUNTED_AT "wsnap.mounted_at"   /* view: the folder */
#define LABEL_MOUNT_SPACE "wsnap.mount_space" /* view: the mount namespace that has it */
#define LABEL_MOUNT_PLAIN "wsnap.mount_plain" /* view: its mount cannot be told by its source, but by this */
#define KEEPERS_PLAIN_UNTOLD "y"              /* until it is mounted */
#define LABEL_BOOT "wsnap.boot"               /* view: the boot that it was mounted in */
/* Of a version: when it was mounted last. Whoever has listed the views before does not know that one. */
#define LABEL_MOUNTED "wsnap.mounted"
/* Of a version: "wsnap.guard.PID", with "START BOOT SPACE": when that process began, in ticks since the boot, and the PID
 * namespace that gives it this number. Earlier programs have not said the last. */
#define LABEL_GUARD "wsnap.guard."

/* The folder that the view is mounted on; the caller frees. NULL: it is no view of ours, or it is mounted no more. */
char *keepers_mounted_at(const struct ctr_snapshot *view);

/* The same by this process's table of mounts alone, whatever the view says of boot and namespace. */
char *keepers_mounted_here(const struct ctr_snapshot *view);

/* Whether the mount that is seen on the folder shows the view. */
bool keepers_is_seen(const struct ctr_snapshot *view, const char *folder, const struct mount_seen *seen);

/* Whether it is a view of ours that is mounted no more. */
bool keepers_is_stale_view(const struct ctr_snapshot *snapshot);

/* Whether there is anything in its labels that the functions here look at. */
bool keepers_may_be(const struct ctr_snapshot *snapshot);

/* Whether a view of the version may have been made after that time. */
bool keepers_mounted_since(const struct ctr_snapshot *version, int64_t unix_ns);

/* The process of a guard that still runs, 0 for none. One in another PID namespace cannot be seen from here: it counts until
 * the next boot. */
int keepers_guard_of(const struct ctr_snapshot *version);

/* What the label of a guard says for this process; the caller frees both. -1: no memory, or /proc cannot be read. */
int keepers_guard_label(char **key, char **value, struct error *err);

/* The mount namespace of this process, "mnt:[4026531840]". */
#define KEEPERS_SPACE_SIZE 64
void keepers_mount_space(char space[static KEEPERS_SPACE_SIZE]);

#endif
