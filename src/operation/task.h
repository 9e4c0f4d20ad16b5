/* Ending a workspace's task and bringing it back: what the steps and recovery share. */
#ifndef WSNAP_OPERATION_TASK_H
#define WSNAP_OPERATION_TASK_H

#include "operation/run.h"

static inline bool task_has_process(enum ctr_task_state state)
{
	return state != CTR_TASK_NONE && state != CTR_TASK_STOPPED;
}

static inline bool task_is_paused(enum ctr_task_state state)
{
	return state == CTR_TASK_PAUSED || state == CTR_TASK_PAUSING;
}

/* Ends the task's processes: the stop signal, the timeout, SIGKILL. Returns when they are gone. */
int task_end(struct run *run, const struct ctr_task *task, struct error *err);

/* Takes it for the one that is to come back: its state and streams. */
int task_adopt(struct record *record, const struct ctr_task *task, struct error *err);

/* After a reboot it is down before anything was done to it: that it has to come back is noted in the record. */
int task_note_absence(struct run *run, struct error *err);

/* SIGKILL at once, and deletes the task. No task is no error. */
int task_remove(struct run *run, struct error *err);

/* Creates the task on the snapshot `key`, attaches its network, starts it (pauses it), as it was
 * before the operation. A network that fails is remembered in the run and its record, not an error. */
int task_bring_back(struct run *run, const char *key, struct error *err);

/* Whether a task with this first process has the snapshot `key` as its root: 1, 0, -1. */
int task_stands_on(struct run *run, uint32_t pid, const char *key, struct error *err);

/* Whether the network's cache has an entry for the workspace: 1, 0, -1. */
int task_is_attached(struct run *run, struct error *err);

/* Waits for the DEL of the old network that was begun beside the stop. The new task may be created
 * meanwhile, but nothing is attached before. What fails there is a warning. */
void task_finish_detachment(struct run *run);

/* Attaches the network to a running task that has none. Failure as in task_bring_back. */
int task_attach(struct run *run, uint32_t pid, struct error *err);

/* Detaches what an unwanted task may hold, before its network namespace goes with it. */
void task_detach(struct run *run, const struct ctr_task *task);

#endif
