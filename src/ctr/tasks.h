/* containerd.services.tasks.v1: the running side of a container. */
#ifndef WSNAP_CTR_TASKS_H
#define WSNAP_CTR_TASKS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctr/containers.h"
#include "ctr/ctr.h"
#include "ctr/mounts.h"

/* containerd.v1.types Status. */
enum ctr_task_state {
	CTR_TASK_NONE = 0, /* there is no task */
	CTR_TASK_CREATED = 1,
	CTR_TASK_RUNNING = 2,
	CTR_TASK_STOPPED = 3,
	CTR_TASK_PAUSED = 4,
	CTR_TASK_PAUSING = 5,
};

/* Standard streams as the task has them: a FIFO's path, an URI, or "". */
struct ctr_task_streams {
	char *stdin_path, *stdout_path, *stderr_path;
	bool terminal;
};

struct ctr_task {
	enum ctr_task_state state;
	uint32_t pid;
	uint32_t exit_status;
	struct ctr_task_streams streams;
};

void ctr_task_release(struct ctr_task *task);

#define cleanup_ctr_task __attribute__((cleanup(ctr_task_release)))

/* "created", "running", "paused" (also while it is being paused), "stopped" (also where there is none). Static. */
const char *ctr_task_state_name(enum ctr_task_state state);

/* No task is no error: state CTR_TASK_NONE. */
int ctr_task_get(struct ctr *ctr, const char *id, struct ctr_task *task, struct error *err);

/* Creates the task: namespaces exist, its process does not run yet. *pid is the init's.
 * `options` may be NULL. */
int ctr_task_create(struct ctr *ctr, const char *id, const struct ctr_mounts *rootfs,
		    const struct ctr_task_streams *streams, const struct ctr_any *options, uint32_t *pid,
		    struct error *err);
int ctr_task_start(struct ctr *ctr, const char *id, struct error *err);

/* Deletes a task that has ended. One that is not there is no error. */
int ctr_task_delete(struct ctr *ctr, const char *id, struct error *err);

/* Sends a signal to the init, or to all processes. ERROR_NOT_FOUND when it has ended. */
int ctr_task_kill(struct ctr *ctr, const char *id, uint32_t signal, bool all, struct error *err);
int ctr_task_pause(struct ctr *ctr, const char *id, struct error *err);
int ctr_task_resume(struct ctr *ctr, const char *id, struct error *err);

/*
 * Waiting for the end of a task without a gap: ctr_task_wait_begin sends Tasks.Wait and
 * returns once it is sent; other calls go on beside it on the same client; ctr_task_wait_end
 * blocks until the task has ended (1), the timeout has passed (0; may be called again), or it
 * failed (-1). A task that is not there counts as ended. Only ctr_task_wait_cancel
 * frees it: at any time, also after the end, but before the client is closed; NULL is ignored.
 */
struct ctr_wait;
int ctr_task_wait_begin(struct ctr *ctr, const char *id, struct ctr_wait **wait, struct error *err);
int ctr_task_wait_end(struct ctr_wait *wait, unsigned timeout_ms, struct error *err);
void ctr_task_wait_cancel(struct ctr_wait *wait);

#endif
