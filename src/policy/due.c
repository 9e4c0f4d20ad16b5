#include "policy/due.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "operation/operation.h"
#include "policy/room_keeping.h"
#include "prune/retention.h"
#include "status/status.h"
#include "workspace/signals.h"

#define TURN_POLL_MS 50

struct due {
	struct session *session;
	const struct policies *policies;
	bool dry_run;
	bool changed; /* something was saved or given up */
	policy_each each;
	void *context;
	struct failures failures;
};

static int note_saved(const struct workspace_status *status, void *context, struct error *err)
{
	*(int64_t *)context = status->saved_ns;
	if (status->failure)
		*err = *status->failure;
	return status->failure ? -1 : 0;
}

/* The clocks of two hosts may differ by this. */
#define SKEW_NS ((int64_t)300 * 1000000000)

/* 1 it is due, 0, -1. A time in the future is of a clock that was wrong: how old the version is, nobody knows. */
static int is_due(const struct due *due, const struct policy *policy, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set one = { 0 };
	int64_t saved_ns = 0, now_ns = clock_unix_ns();

	if (names_set_add(&one, container_id, err) < 0 ||
	    status_of(due->session, &one, STATUS_NO_SIZES, note_saved, &saved_ns, err) < 0)
		return -1;
	return saved_ns <= version_word_time(&policy->every.span, now_ns) || saved_ns > now_ns + SKEW_NS;
}

static int save(const struct due *due, const struct policy *policy, struct policy_done *done, struct error *err)
{
	struct target_word word;
	const struct operation_request request = { .kind = OPERATION_CREATE,
						   .target = &word,
						   .source = SOURCE_POLICY,
						   .mode = policy->mode,
						   .if_changed = policy->if_changed };
	cleanup_operation_result struct operation_result result = { 0 };

	if (target_word_parse(done->container_id, &word, err) < 0 ||
	    operation_run(due->session, &request, &result, err) < 0)
		return -1;
	done->unchanged = result.unchanged;
	done->version = result.unchanged ? 0 : result.version;
	return 0;
}

static int prune(const struct due *due, const struct policy *policy, struct policy_done *done, struct error *err)
{
	const struct prune_request request = { .keep = policy->keep };
	cleanup_prune_result struct prune_result result = { 0 };
	struct target_word word;

	if (!retention_has_rules(&policy->keep))
		return 0;
	if (target_word_parse(done->container_id, &word, err) < 0 ||
	    prune_run(due->session, &word, &request, &result, err) < 0)
		return -1;
	done->pruned = (int)result.removed_count;
	done->freed_bytes += result.freed_bytes;
	return 0;
}

static int do_due(const struct due *due, const struct policy *policy, struct policy_done *done, struct error *err)
{
	int is = is_due(due, policy, done->container_id, err);

	if (is < 0)
		return -1;
	done->due = is;
	if (!is || due->dry_run)
		return 0;
	if (room_keeping_thin(due->session, policy, done->container_id, &done->pruned_for_room, &done->freed_bytes,
			      err) < 0 ||
	    save(due, policy, done, err) < 0)
		return -1;
	return prune(due, policy, done, err);
}

static int look_at(struct due *due, const struct ctr_container *container, struct error *err)
{
	const struct policy *policy = NULL;
	struct policy_done done = { .container_id = container->id };
	struct error failure = { 0 };
	int chosen = policies_choose(due->policies, container->id, &container->labels, &policy, &failure);

	if (chosen == 0)
		return 0;
	if (chosen > 0) {
		done.policy = policy->name;
		chosen = do_due(due, policy, &done, &failure);
	}
	if (chosen < 0)
		failures_note(&due->failures, &failure);
	due->changed |= done.version > 0 || done.pruned + done.pruned_for_room > 0;
	return due->each(&done, chosen < 0 ? &failure : NULL, due->context, err);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct ctr_container *)a)->id, ((const struct ctr_container *)b)->id);
}

static int tell_failures(const struct due *due, struct error *err)
{
	if (failures_first(&due->failures, err) == 0)
		return 0;
	if (due->failures.count > 1)
		error_wrap(err, "%zu workspaces failed; the first", due->failures.count);
	return -1;
}

static int go_through(struct due *due, const struct ctr_containers *containers, struct error *err)
{
	for (size_t i = 0; i < containers->count; i++) {
		int signal = signals_pending();

		if (signal)
			return error_set(err, ERROR_FAILED,
					 "interrupted by SIG%s: '%s' and the workspaces after it were not looked at",
					 sigabbrev_np(signal), containers->items[i].id);
		if (look_at(due, &containers->items[i], err) < 0)
			return -1;
	}
	return tell_failures(due, err);
}

/* One such run at a time: what another one has just done is not due any more. The file is never unlinked, as those of other
 * locks (lock.h). *turn, to be closed. */
static int take_turn(struct session *session, int *turn, struct error *err)
{
	cleanup_free char *name = text_format("%s.policies", session->settings->namespace);
	double end_ms = clock_monotonic_ms() + session->settings->wait_s * 1000.0;

	if (!name)
		return error_memory(err);
	if (session_open_state(session, err) < 0)
		return -1;
	*turn = openat(session->state_dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*turn < 0)
		return error_errno(err, ERROR_FAILED, errno, "the lock '%s' cannot be opened", name);
	while (flock(*turn, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, ERROR_FAILED, errno, "the lock '%s' cannot be taken", name);
		if (clock_monotonic_ms() >= end_ms) {
			error_set(err, ERROR_BUSY, "another run does what the policies say is due");
			return error_hint(err, "wait for it with --wait SECONDS");
		}
		clock_sleep_ms(TURN_POLL_MS);
	}
	return 0;
}

int policies_do_due(struct session *session, const struct policies *policies, bool dry_run, policy_each each,
		    void *context, struct error *err)
{
	struct due due = {
		.session = session, .policies = policies, .dry_run = dry_run, .each = each, .context = context
	};
	cleanup_ctr_containers struct ctr_containers containers = { 0 };
	struct signals signals = { 0 };
	cleanup_fd int turn = -1;
	int result;

	if (!dry_run && take_turn(session, &turn, err) < 0)
		return -1;
	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	if (containers.count)
		qsort(containers.items, containers.count, sizeof(*containers.items), compare_ids);
	signals_hold(&signals);
	result = go_through(&due, &containers, err);
	if (due.changed)
		signals_keep_pipe(&signals);
	signals_release(&signals);
	return result;
}
