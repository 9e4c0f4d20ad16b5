/*
 * Shims without a task. Those that containerd has forgotten: when the client of Tasks.Create goes away while the shim is being started,
 * containerd drops the task's folder, but the shim may stay: it has no task, and the next Tasks.Create of the same
 * container is led to it and may never be answered. That leaves a folder which containerd (seen with 1.6.20) does
 * not get past any more, not even when it is started again. And those that it takes for tasks: when containerd itself dies
 * between starting the shim and creating the task, it finds the shim again (seen with 1.6.20, runtime/v2/shim_load.go), shows no
 * task to anybody, and refuses every new one because there is one already.
 */
#ifndef WSNAP_TASK_SHIM_H
#define WSNAP_TASK_SHIM_H

#include "base/error.h"
#include "base/names_set.h"
#include "base/settings.h"

/*
 * To be called before a Tasks.Create that an earlier one has failed before. Waits up to some seconds for shims of
 * the container that are just being started, and ends what is forgotten: a shim of our containerd's socket, our
 * namespace and this container (a shim's command line is that of containerd's runtime/v2/README.md), of root's or our own, without
 * children, whose working directory, the task's folder, has been removed.
 */
int shim_end_forgotten(const struct settings *settings, const char *container_id, struct error *err);

/* The same of a container that containerd shows no task of, and of shims that are in its task's folder without a process: no
 * Tasks.Create may be under way. */
int shim_end_idle(const struct settings *settings, const char *container_id, struct error *err);

/* What one look at all processes tells of the namespace's shims. */
struct shims {
	struct names_set forgotten; /* containers that a forgotten one is of, as it seems: it may just be ending */
	struct names_set
		idle;  /* that one without a process is of, which is in the task's folder: it may just be stopping */
	char *bundles; /* the folder that their tasks' folders lie in; NULL: no shim tells */
};

int shim_survey(const struct settings *settings, struct shims *shims, struct error *err);
void shims_release(struct shims *shims);

#define cleanup_shims __attribute__((cleanup(shims_release)))

#endif
