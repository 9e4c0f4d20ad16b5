/* Where processes stand in the control groups: in the unified hierarchy, or in that of a controller of version 1. */
#ifndef WSNAP_LIVE_CGROUP_H
#define WSNAP_LIVE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of the smallest group that all are in or below, as /proc/PID/cgroup names it. Processes that have
 * ended do not count. `controller` NULL: the unified hierarchy. NULL: none of them is in the hierarchy. The caller frees. */
char *cgroup_common(const char *controller, const uint32_t *pids, size_t count);

/* Whether a group is `group` or below it. */
bool cgroup_is_in(const char *path, const char *group);

/* Where a group's files are on this host; NULL where the hierarchy is not mounted. The caller frees. */
char *cgroup_folder(const char *controller, const char *path);

#endif
