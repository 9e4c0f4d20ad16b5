#include "guard/guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "guard/child.h"
#include "operation/restorable.h"
#include "restore/restore.h"
#include "workspace/keepers.h"
#include "workspace/target.h"

#define STATUS_SIGNALLED 128

/* The version that is kept, and by what. */
struct mark {
	char *snapshotter, *snapshot;
	char *key, *value;
};

static void mark_release(struct mark *mark)
{
	free(mark->snapshotter);
	free(mark->snapshot);
	free(mark->key);
	free(mark->value);
}

#define cleanup_mark __attribute__((cleanup(mark_release)))

static int set_mark(struct session *session, const struct operation_result *saved, struct mark *mark, struct error *err)
{
	if (keepers_guard_label(&mark->key, &mark->value, err) < 0)
		return -1;
	mark->snapshotter = strdup(saved->snapshotter);
	mark->snapshot = strdup(saved->runtime_name);
	if (!mark->snapshotter || !mark->snapshot)
		return error_memory(err);
	if (ctr_snapshot_set_label(session->ctr, mark->snapshotter, mark->snapshot, mark->key, mark->value, err) < 0)
		return error_wrap(err, "version %d of '%s' cannot be kept from retention", saved->version,
				  saved->container_id);
	return 0;
}

/* If it cannot be removed, it stops counting when this process ends. */
static void take_mark_away(struct session *session, const struct mark *mark)
{
	struct error ignored = { 0 };

	if (mark->snapshot && session->ctr &&
	    ctr_snapshot_set_label(session->ctr, mark->snapshotter, mark->snapshot, mark->key, "", &ignored) < 0)
		log_detail("%s", ignored.message);
}

static int set_environment(int32_t version, struct error *err)
{
	cleanup_free char *number = text_format("%d", version);

	return number && setenv("WSNAP_VERSION", number, 1) == 0 ? 0 : error_memory(err);
}

static int reopen(struct session *session, const struct settings *settings, struct error *err)
{
	struct error store_error = { 0 };

	return session_open_for_recovery(settings, session, &store_error, err);
}

static int roll_back(struct session *session, const struct guard_request *request, const struct version_word *version,
		     int32_t *saved, struct error *err)
{
	const struct operation_request rollback = {
		.kind = OPERATION_ROLLBACK,
		.target = request->version.target,
		.version = version,
	};
	cleanup_operation_result struct operation_result back = { 0 };

	if (operation_run(session, &rollback, &back, err) < 0)
		return -1;
	*saved = back.version;
	return 0;
}

static int restore(struct session *session, const struct guard_request *request, const struct version_word *version,
		   int32_t *saved, struct error *err)
{
	const struct restore_request files = {
		.target = request->version.target,
		.version = version,
		.max_freeze_ms = request->version.max_freeze_ms,
	};
	cleanup_restore_result struct restore_result back = { 0 };

	if (restore_run(session, &files, &back, err) < 0)
		return -1;
	*saved = back.saved_version;
	return 0;
}

/* The state that the command left is saved first. */
static int bring_back(struct session *session, const struct guard_request *request, struct guard_result *result,
		      struct error *err)
{
	const struct version_word version = { .kind = VERSION_WORD_NUMBER, .number = result->version };
	int done = request->on_failure == GUARD_RESTORE ? restore(session, request, &version, &result->saved, err)
							: roll_back(session, request, &version, &result->saved, err);

	if (done < 0)
		return error_wrap(err, "the command ended with status %d, and '%s' was not brought back to version %d",
				  result->status, request->version.target->text, result->version);
	result->was_back = true;
	return 0;
}

static int run_command(struct session *session, const struct guard_request *request, struct child *child,
		       struct guard_result *result, struct error *not_run, struct error *err)
{
	const struct settings *settings = session->settings;
	int ran;

	/* The command may run for days: no connection is kept open meanwhile. */
	session_close(session);
	ran = child_run(child, request->command, &result->status, not_run);
	if (reopen(session, settings, err) < 0) {
		if (ran == 0 && result->status != 0 && request->on_failure != GUARD_NOTHING)
			return error_wrap(err, "the command ended with status %d, and '%s' was not brought back",
					  result->status, request->version.target->text);
		log_detail("%s", err->message);
		error_clear(err);
		return 0;
	}
	/* A command that was not run has changed nothing. */
	if (ran < 0 || result->status == 0 || request->on_failure == GUARD_NOTHING)
		return 0;
	/* A signal that came when the command had just ended was meant for it: the way back is gone all the same. */
	while (child_signal(child))
		;
	return bring_back(session, request, result, err);
}

/* What cannot be brought back so is known before anything is run. A workspace that is gone is for the version to tell of. */
static int check_way(struct session *session, const struct guard_request *request, struct error *err)
{
	cleanup_target struct target target = { 0 };

	if (request->on_failure != GUARD_RESTORE)
		return 0;
	if (target_resolve(session, request->version.target, true, &target, err) < 0)
		return -1;
	if (restorable_check(session, &target, err) == 0)
		return 0;
	if (err->kind != ERROR_REFUSED && err->kind != ERROR_FAILED)
		return -1;
	return error_hint(err, "--on-failure rollback brings the workspace back as a whole");
}

int guard_run(struct session *session, const struct guard_request *request, struct guard_result *result,
	      struct error *not_run, struct error *err)
{
	cleanup_operation_result struct operation_result saved = { 0 };
	cleanup_mark struct mark mark = { 0 };
	struct child child;
	int done, signal;

	if (check_way(session, request, err) < 0)
		return -1;
	child_hold(&child);
	if (operation_run(session, &request->version, &saved, err) < 0)
		return -1;
	result->version = saved.version;
	signal = saved.signal ? saved.signal : child_signal(&child);
	if (signal) {
		result->status = STATUS_SIGNALLED + signal;
		error_set(not_run, ERROR_FAILED, "SIG%s came before the command was run; version %d of '%s' was taken",
			  sigabbrev_np(signal), saved.version, saved.container_id);
		return 0;
	}
	if (set_mark(session, &saved, &mark, err) < 0 || set_environment(saved.version, err) < 0)
		return -1;
	done = run_command(session, request, &child, result, not_run, err);
	take_mark_away(session, &mark);
	return done;
}
