/*
 * Shims that containerd has forgotten. When the client of Tasks.Create goes away while the shim is being started,
 * containerd drops the task's folder, but the shim may stay: it has no task, and the next Tasks.Create of the same
 * container is led to it and may never be answered. That leaves a folder which containerd (seen with 1.6.20) does
 * not get past any more, not even when it is started again.
 */
#ifndef WSNAP_TASK_SHIM_H
#define WSNAP_TASK_SHIM_H

#include "base/error.h"
#include "base/settings.h"

/*
 * To be called before a Tasks.Create that an earlier one has failed before. Waits up to some seconds for shims of
 * the container that are just being started, and ends what is forgotten: a shim of our containerd's socket, our
 * namespace and this container (a shim's command line is that of containerd's runtime/v2/README.md), without
 * children, whose working directory, the task's folder, has been removed.
 */
int shim_end_forgotten(const struct settings *settings, const char *container_id, struct error *err);

#endif
