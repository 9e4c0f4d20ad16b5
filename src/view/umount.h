/* Taking away what shows a version. */
#ifndef WSNAP_VIEW_UMOUNT_H
#define WSNAP_VIEW_UMOUNT_H

#include "view/view.h"
#include "workspace/session.h"

/* Takes away what view_mount() has put on the folder. ERROR_NOT_FOUND when nothing of ours is there. With --force also what
 * is in use: whoever uses it keeps it. */
int view_umount(struct session *session, const char *folder, struct view_result *result, struct error *err);

#endif
