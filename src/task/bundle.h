/*
 * The folder that containerd keeps for a task as long as there is one, its bundle (containerd, runtime/v2/README.md):
 * STATE/io.containerd.runtime.v2.task/NAMESPACE/ID. To remove it containerd renames it to ".ID" first and empties that;
 * killed in between, it never looks at ".ID" again (seen with 1.6.20). From then on it cannot remove a bundle of that
 * container any more, and does not get past the one that stays: no task of the container can be created, however often
 * containerd is started again.
 */
#ifndef WSNAP_TASK_BUNDLE_H
#define WSNAP_TASK_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"

/* Removes a ".ID" that was left, while the task with the first process `pid` is there: its shim's working directory is
 * the bundle. What cannot be found or removed is let be. */
void bundle_clear_remains(const struct settings *settings, const char *container_id, uint32_t pid);

/*
 * For a Tasks.Create that failed for some seconds now because the bundle exists, while there was no task: removes what
 * is left of both. `message` is containerd's, which names the bundle. It stays if a process is in it, or if anything is
 * mounted in it or lies deeper than containerd's own files do.
 */
void bundle_remove_left(const struct settings *settings, const char *container_id, const char *message);

/* Whether a container's task has a folder. `bundles` is the folder that those of the namespace lie in, NULL where that is
 * not known. */
bool bundle_exists(const struct settings *settings, const char *bundles, const char *container_id);

/* For a container without a task: whether there is a folder of one for some seconds now; a newer one may be that of a task that
 * is just being made. */
bool bundle_is_old(const struct settings *settings, const char *bundles, const char *container_id);

/* For a container without a task: whether there is a folder of one for some seconds now, in which nobody works. */
bool bundle_is_left(const struct settings *settings, const char *bundles, const char *container_id);

/* Removes it, as bundle_remove_left() does. */
int bundle_remove(const struct settings *settings, const char *bundles, const char *container_id, struct error *err);

#endif
