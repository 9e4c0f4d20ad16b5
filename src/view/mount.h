/* Showing a version on a folder of this host. */
#ifndef WSNAP_VIEW_MOUNT_H
#define WSNAP_VIEW_MOUNT_H

#include "view/view.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

/* Shows a version on an empty folder. Blocks up to settings->wait_s for the workspace's lock. ERROR_REFUSED for a folder
 * that is not empty, unless --force insists. */
int view_mount(struct session *session, const struct target_word *target, const struct version_word *version,
	       const char *folder, struct view_result *result, struct error *err);

#endif
