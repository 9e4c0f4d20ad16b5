/*
 * Versions that are shown, read-only, on folders of this host: a view of containerd's, kept by a root label, that says where
 * it is mounted. What is mounted no more (after a reboot, an umount by hand) is removed by the next run.
 */
#ifndef WSNAP_VIEW_VIEW_H
#define WSNAP_VIEW_VIEW_H

#include "store/versions.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

struct view_result {
	char *container_id;
	int32_t version;
	char *folder;     /* as the table of mounts has it */
	char *name;       /* of the view */
	bool was_mounted; /* umount: whether it still was */
};

void view_result_release(struct view_result *result);

#define cleanup_view_result __attribute__((cleanup(view_result_release)))

/* Shows a version on an empty folder. Blocks up to settings->wait_s for the workspace's lock. ERROR_REFUSED for a folder
 * that is not empty, unless --force insists. */
int view_mount(struct session *session, const struct target_word *target, const struct version_word *version,
	       const char *folder, struct view_result *result, struct error *err);

/* Takes away what view_mount() has put there. ERROR_NOT_FOUND when nothing of ours is. With --force also what is in
 * use: whoever uses it keeps it. */
int view_umount(struct session *session, const char *folder, struct view_result *result, struct error *err);

/* Removes the views of a workspace (NULL: of all in this namespace) that are mounted no more. Those of a workspace that
 * somebody else is at are left to the next run. */
int view_tidy(struct session *session, const char *container_id, struct error *err);

/* The same of one workspace whose lock is held. */
int view_tidy_locked(struct session *session, const char *container_id, struct error *err);

/* Calls `each` for every view that is mounted: of the version whose snapshot that is, where. A glance at the table of mounts
 * spares the question to containerd where there is none; what another mount namespace has is not told then.
 * `snapshotter` is the container's, NULL where there is none. */
typedef int (*view_each_mounted)(const char *runtime_name, const char *folder, void *context, struct error *err);
int view_each(struct session *session, const char *container_id, const char *snapshotter, view_each_mounted each,
	      void *context, struct error *err);

#endif
