/*
 * Versions that are shown, read-only, on folders of this host: a view of containerd's, kept by a root label, that says where
 * it is mounted. What is mounted no more (after a reboot, an umount by hand) is removed by the next run.
 */
#ifndef WSNAP_VIEW_VIEW_H
#define WSNAP_VIEW_VIEW_H

#include <stdint.h>

#include "base/error.h"

/* A label has room for this and its key. */
#define VIEW_FOLDER_LIMIT 3800

/* What was mounted, or is not any more. */
struct view_result {
	char *container_id;
	int32_t version;
	char *folder;     /* as the table of mounts has it */
	char *name;       /* of the view */
	bool was_mounted; /* umount: whether it still was */
};

void view_result_release(struct view_result *result);

#define cleanup_view_result __attribute__((cleanup(view_result_release)))

/* The name of the folder without links, as the table of mounts will have it; the caller frees. NULL: ERROR_FAILED. */
char *view_folder(const char *folder, struct error *err);

/* containerd's filter for the views of a workspace (NULL: of all in this namespace); the caller frees. NULL: no memory. */
char *view_filter(const char *container_id);

#endif
