/* Who else is in a task's network namespace. */
#ifndef WSNAP_TASK_NETNS_H
#define WSNAP_TASK_NETNS_H

#include <stdint.h>

#include "base/names_set.h"

/*
 * Adds the names of the control groups, without the folders above them, of all processes in the network namespace of
 * `pid`: runtimes call a container's like the container, or with its id between other words. Nothing of a process that
 * is gone, or in the host's namespace.
 */
int netns_groups(uint32_t pid, struct names_set *groups, struct error *err);

#endif
