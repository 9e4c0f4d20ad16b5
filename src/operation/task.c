#include "operation/task.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/detachment.h"
#include "task/bundle.h"
#include "task/process.h"
#include "task/shim.h"
#include "task/streams.h"
#include "workspace/location.h"

#define KILL_TIMEOUT_MS 30000
#define CREATE_TRIES 100
#define CREATE_PAUSE_MS 100
#define SHIM_TRIES 5
/* By then it is not another client's Tasks.Create that is on its way. */
#define BUNDLE_TRIES 30

/* Sends a signal; a task that has ended meanwhile is what we want. */
static int send_signal(struct run *run, int signal, bool all, struct error *err)
{
	if (ctr_task_kill(run->session->ctr, run->record->container_id, (uint32_t)signal, all, err) == 0)
		return 0;
	return ctr_forgive(run->session->ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}

static int end_by_kill(struct run *run, struct ctr_wait *wait, struct error *err)
{
	int ended;

	if (send_signal(run, SIGKILL, true, err) < 0)
		return -1;
	ended = ctr_task_wait_end(wait, KILL_TIMEOUT_MS, err);
	if (ended == 0)
		return error_set(err, ERROR_FAILED, "'%s' has processes that SIGKILL does not end",
				 run->record->container_id);
	return ended < 0 ? -1 : 0;
}

static int end_by_signal(struct run *run, struct ctr_wait *wait, const struct ctr_task *task, int signal,
			 struct error *err)
{
	int ended;

	if (send_signal(run, signal, false, err) < 0)
		return -1;
	/* A frozen process gets its signals once it is thawed. containerd may take for paused what its shim, which did not do that,
	 * cannot resume; SIGKILL ends it also where it is frozen. */
	if (task_is_paused(task->state) && ctr_task_resume(run->session->ctr, run->record->container_id, err) < 0) {
		if (err->kind == ERROR_CONTAINERD)
			return -1;
		log_detail("%s: SIGKILL", err->message);
		error_clear(err);
		return 0;
	}
	ended = ctr_task_wait_end(wait, run->session->settings->stop_timeout_s * 1000, err);
	if (ended == 0)
		log_detail("'%s' did not end within %u s of signal %d: SIGKILL", run->record->container_id,
			   run->session->settings->stop_timeout_s, signal);
	return ended;
}

static int end_with(struct run *run, struct ctr_wait *wait, const struct ctr_task *task, struct error *err)
{
	int signal = process_signal_number(run->record->stop_signal ? run->record->stop_signal : "SIGTERM");
	int ended = 0;

	if (signal == 0)
		signal = SIGTERM;
	if (task->state != CTR_TASK_CREATED && process_obeys(task->pid, signal))
		ended = end_by_signal(run, wait, task, signal, err);
	if (ended == 0)
		return end_by_kill(run, wait, err);
	return ended < 0 ? -1 : 0;
}

int task_end(struct run *run, const struct ctr_task *task, struct error *err)
{
	struct ctr_wait *wait = NULL;
	int result;

	if (!task_has_process(task->state))
		return 0;
	run->stop_sent = true;
	/* A task that was never started has no exit to wait for. */
	if (task->state == CTR_TASK_CREATED)
		return task_remove(run, err);
	if (ctr_task_wait_begin(run->session->ctr, run->record->container_id, &wait, err) < 0)
		return -1;
	result = end_with(run, wait, task, err);
	ctr_task_wait_cancel(wait);
	return result;
}

int task_adopt(struct record *record, const struct ctr_task *task, struct error *err)
{
	if (record->old_pid != (int)task->pid) {
		free(record->streams.stdin_path);
		free(record->streams.stdout_path);
		free(record->streams.stderr_path);
		record->streams = (struct ctr_task_streams){ 0 };
		if (streams_keep(&task->streams, &record->streams, err) < 0)
			return -1;
	}
	record->old_pid = (int)task->pid;
	record->state = task->state;
	return 0;
}

int task_remove(struct run *run, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const char *id = run->record->container_id;
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(ctr, id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_RUNNING || task_is_paused(task.state)) {
		struct ctr_wait *wait = NULL;
		int result;

		if (ctr_task_wait_begin(ctr, id, &wait, err) < 0)
			return -1;
		result = end_by_kill(run, wait, err);
		ctr_task_wait_cancel(wait);
		if (result < 0)
			return -1;
	} else if (task.state == CTR_TASK_CREATED && send_signal(run, SIGKILL, true, err) < 0) {
		return -1;
	}
	return ctr_task_delete(ctr, id, err);
}

int task_note_absence(struct run *run, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record *record = run->record;

	if (record->stage != STAGE_PLANNED || record->state == CTR_TASK_NONE)
		return 0;
	if (ctr_task_get(run->session->ctr, record->container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE)
		record->stage = STAGE_DOWN;
	return 0;
}

/* In the words of containerd, or of the system call that makes the task's folder. */
static bool is_half_there(struct ctr *ctr, const struct error *err)
{
	return ctr_status(ctr) == CTR_EXISTS || strstr(err->message, "already exists") ||
	       strstr(err->message, "file exists");
}

/* How often it is worth trying again. Clearing up behind a Tasks.Create whose client died, containerd removes the
 * task's folder twice, and the second time it may be the folder of the next one: whose shim then does not start. */
static int tries_for(struct ctr *ctr, const struct error *err)
{
	if (is_half_there(ctr, err))
		return CREATE_TRIES;
	return strstr(err->message, "failed to start shim") ? SHIM_TRIES : 0;
}

/* What a Tasks.Create has left whose client died, or lost its connection. Before the first one of a run that has
 * taken the task down itself there is none: the shim went with the task. */
static int end_forgotten_shim(struct run *run, struct error *err)
{
	if (run->down_since_ms > 0 && !run->create_sent)
		return 0;
	return shim_end_forgotten(run->session->settings, run->record->container_id, err);
}

/*
 * When a client dies during Tasks.Create or Tasks.Delete, containerd may keep a half task for a
 * while that Get does not show: deleting it once more and trying again gets past it.
 */
static int create_with_patience(struct run *run, const struct ctr_mounts *mounts, const struct ctr_container *container,
				uint32_t *pid, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const char *id = run->record->container_id;

	for (int try = 0;; try++) {
		struct error ignored = { 0 };

		if (end_forgotten_shim(run, err) < 0)
			return -1;
		run->create_sent = true;
		if (ctr_task_create(ctr, id, mounts, &run->record->streams, &container->runtime_options, pid, err) == 0)
			return 0;
		if (try >= tries_for(ctr, err))
			return -1;
		if (ctr_task_delete(ctr, id, &ignored) < 0)
			log_detail("'%s': %s", id, ignored.message);
		if (try == BUNDLE_TRIES)
			bundle_remove_left(run->session->settings, id, err->message);
		clock_sleep_ms(CREATE_PAUSE_MS);
		error_clear(err);
	}
}

static void warn_of_address(const struct run *run, const struct network_attachment *attachment, const char *address)
{
	if (attachment->address && address && strcmp(attachment->address, address) != 0)
		log_warning("'%s' could not get its address %s again: it has %s now", run->record->container_id,
			    attachment->address, address);
}

int task_is_attached(struct run *run, struct error *err)
{
	cleanup_network_attachment struct network_attachment wanted = { 0 }, found = { 0 };

	if (network_attachment_parse(run->record->attachment, &wanted, err) < 0)
		return -1;
	return network_find(run->network, (const char *const[]){ wanted.container_id }, 1, &found, err);
}

/* DEL, where a failure is not the end: the next ADD runs DEL again first. */
static void detach(struct run *run, const struct network_attachment *attachment, const char *netns)
{
	struct error ignored = { 0 };

	if (network_del(run->network, attachment, netns, &ignored) < 0)
		log_detail("'%s': %s", run->record->container_id, ignored.message);
}

static int add_network(struct run *run, const struct network_attachment *attachment, uint32_t pid, struct error *err)
{
	cleanup_fd int held = process_open_netns(pid);
	cleanup_free char *address = NULL;
	char netns[64];

	if (!run->network)
		return error_set(err, ERROR_INCOMPLETE, "its network configuration is not there any more");
	if (held < 0)
		return error_set(err, ERROR_INCOMPLETE, "its task has no network namespace any more");
	snprintf(netns, sizeof(netns), "/proc/%u/ns/net", pid);
	/* An ADD that was killed before it wrote its cache file has taken an address nevertheless. */
	if (run->resumed)
		detach(run, attachment, netns);
	if (network_add(run->network, attachment, netns, &address, err) < 0)
		return -1;
	warn_of_address(run, attachment, address);
	return 0;
}

/* A failed DEL does not stop the start: the next ADD runs DEL again first. */
void task_finish_detachment(struct run *run)
{
	struct error error = { 0 };

	if (detachment_end(run->detachment, &error) < 0)
		log_warning("the old network of '%s' could not be detached: %s", run->record->container_id,
			    error.message);
	run->detachment = NULL;
}

int task_attach(struct run *run, uint32_t pid, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	struct error failed = { 0 };

	run->record->pending = PENDING_NOTHING;
	if (!run->record->attachment)
		return 0;
	if (network_attachment_parse(run->record->attachment, &attachment, err) < 0)
		return -1;
	if (add_network(run, &attachment, pid, &failed) == 0)
		return 0;
	run->record->pending = PENDING_NETWORK;
	/* Why the configuration could not be loaded says more than that it is not there. */
	if (run->network || run->network_error.kind == ERROR_NONE)
		run->network_error = failed;
	return 0;
}

void task_detach(struct run *run, const struct ctr_task *task)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	struct error ignored = { 0 };
	cleanup_fd int held = -1;
	char netns[64];

	if (!run->network || !run->record->attachment ||
	    network_attachment_parse(run->record->attachment, &attachment, &ignored) < 0)
		return;
	/* The process may have ended, and its number may belong to another one by now. */
	if (task_has_process(task->state))
		held = process_open_netns(task->pid);
	snprintf(netns, sizeof(netns), "/proc/%u/ns/net", task->pid);
	detach(run, &attachment, held < 0 ? NULL : netns);
}

static int start_created(struct run *run, uint32_t pid, struct error *err)
{
	struct ctr *ctr = run->session->ctr;
	const char *id = run->record->container_id;

	task_finish_detachment(run);
	if (process_root_is_stuck(pid))
		return error_set(err, ERROR_FAILED, "its files could only be mounted read-only: their disk is full");
	if (task_attach(run, pid, err) < 0)
		return -1;
	if (run->record->state == CTR_TASK_CREATED)
		return 0;
	if (ctr_task_start(ctr, id, err) < 0)
		return -1;
	if (task_is_paused(run->record->state) && ctr_task_pause(ctr, id, err) < 0)
		return -1;
	bundle_clear_remains(run->session->settings, id, pid);
	return 0;
}

/* Removes a task that did not start, and detaches its network. */
static void drop(struct run *run)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct error ignored = { 0 };

	if (ctr_task_get(run->session->ctr, run->record->container_id, &task, &ignored) < 0) {
		log_detail("'%s': %s", run->record->container_id, ignored.message);
		return;
	}
	task_detach(run, &task);
	if (task_remove(run, &ignored) < 0)
		log_detail("'%s': %s", run->record->container_id, ignored.message);
}

int task_bring_back(struct run *run, const char *key, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	uint32_t pid = 0;

	if (ctr_container_get(run->session->ctr, run->record->container_id, &container, err) < 0 ||
	    ctr_snapshot_mounts(run->session->ctr, run->record->snapshotter, key, &mounts, err) < 0 ||
	    create_with_patience(run, &mounts, &container, &pid, err) < 0)
		return -1;
	if (start_created(run, pid, err) == 0)
		return 0;
	if (err->kind != ERROR_CONTAINERD)
		drop(run);
	return -1;
}

int task_stands_on(struct run *run, uint32_t pid, const char *key, struct error *err)
{
	cleanup_location struct location location = { 0 };
	cleanup_free char *upper = NULL;

	if (location_find(run->session, run->record->snapshotter, key, &location, err) < 0)
		return -1;
	upper = process_root_upper(pid);
	/* Where there is nothing to compare with the record decides. */
	return !upper || !location_is_other(&location, upper);
}
