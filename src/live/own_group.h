/* The control group of a workspace, as it is at the moment: it may get processes and groups at any time. */
#ifndef WSNAP_LIVE_OWN_GROUP_H
#define WSNAP_LIVE_OWN_GROUP_H

#include "base/error.h"
#include "live/freezer.h"
#include "live/request.h"

/* That which all of its processes are in by now. ERROR_REFUSED as freezer_find(). */
int own_group_find(const struct live_request *request, struct freezer *freezer, struct error *err);

#endif
