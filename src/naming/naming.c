#include "naming/naming.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "operation/around.h"
#include "operation/recovery.h"
#include "prune/prune.h"
#include "store/rename.h"
#include "workspace/history.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotters.h"

void naming_result_release(struct naming_result *result)
{
	free(result->container_id);
	store_version_release(&result->row);
}

static int settle(struct session *session, const char *container_id, struct error *err)
{
	if (recovery_settle_first(session, container_id, err) < 0 || session_need_store(session, err) < 0)
		return -1;
	/* A version that is on its way out is not named, it goes. */
	return prune_finish_locked(session, container_id, err);
}

/* Another host's snapshot bears its label there. */
static int set_label(struct session *session, const char *container_id, const struct store_version *row,
		     struct error *err)
{
	const char *name = row->display_name ? row->display_name : "";

	if (ctr_snapshot_set_label(session->ctr, row->snapshotter, row->runtime_name, LABEL_NAME, name, err) == 0)
		return 0;
	if (error_forgive(err, ERROR_NOT_FOUND) || snapshotters_pass_over(session, row->snapshotter, err))
		return 0;
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "version %d of '%s' has the name in the database, but not in the label of its snapshot",
		   row->version, container_id);
	return error_hint(err, "the same command again puts that right");
}

static int rename_version(struct session *session, char **name, struct naming_result *result, struct error *err)
{
	struct store_version *row = &result->row;

	if (store_version_rename(session->store, result->container_id, row, *name, result->operation_id, err) < 0)
		return -1;
	free(row->display_name);
	row->display_name = steal_pointer(*name);
	return set_label(session, result->container_id, row, err);
}

static int rename_with_hooks(struct session *session, const char *bot_id, char **name, struct naming_result *result,
			     struct error *err)
{
	struct around around = {
		.session = session,
		.facts = { .operation = "name",
			   .operation_id = result->operation_id,
			   .container_id = result->container_id,
			   .bot_id = bot_id,
			   .namespace = session->settings->namespace },
	};
	int done;

	if (around_begin(&around, err) < 0)
		return -1;
	done = rename_version(session, name, result, err);
	around_end(&around, done < 0 ? (int)err->kind : 0, result->row.version);
	return done;
}

static int name_locked(struct session *session, const struct naming_request *request, const char *bot_id,
		       struct naming_result *result, struct error *err)
{
	cleanup_free char *name = request->name ? strdup(request->name) : NULL;

	if (request->name && !name)
		return error_memory(err);
	if (settle(session, result->container_id, err) < 0 ||
	    history_find(session, result->container_id, request->version, &result->row, err) < 0)
		return -1;
	id_random(result->operation_id);
	return rename_with_hooks(session, bot_id, &name, result, err);
}

int naming_run(struct session *session, const struct naming_request *request, struct naming_result *result,
	       struct error *err)
{
	cleanup_target struct target target = { 0 };
	struct lock_request lock_request = { .what = "name", .wait_s = session->settings->wait_s };
	struct lock lock;
	int done, signal;

	if (target_resolve(session, request->target, false, &target, err) < 0 ||
	    target_check_namespace(session, target.container_id, err) < 0)
		return -1;
	result->container_id = strdup(target.container_id);
	if (!result->container_id)
		return error_memory(err);
	lock_request.container_id = target.container_id;
	if (lock_take(session, &lock_request, &lock, err) < 0)
		return -1;
	done = name_locked(session, request, target.bot_id, result, err);
	signal = lock_release_to_tell(&lock);
	if (signal && done == 0)
		log_warning("SIG%s came while the version was named; that was finished first", sigabbrev_np(signal));
	return done;
}
