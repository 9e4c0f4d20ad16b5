#include "operation/restorable.h"

#include <string.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "ctr/tasks.h"
#include "live/live.h"
#include "operation/plan_live.h"
#include "operation/restoring.h"
#include "operation/root.h"
#include "operation/task.h"
#include "workspace/location.h"

static int check_layers(const struct location *location, const char *id, struct error *err)
{
	if (!location->stacks)
		return error_set(
			err, ERROR_REFUSED,
			"files of '%s' cannot be restored while it runs: its snapshotter has no layers that can be read",
			id);
	return 0;
}

static int check_root(struct run *run, struct error *err)
{
	cleanup_fd int root = root_open(run, (uint32_t)run->record->old_pid, err);
	struct statvfs status;

	if (root < 0)
		return -1;
	if (fstatvfs(root, &status) == 0 && status.f_flag & ST_RDONLY)
		return error_set(err, ERROR_REFUSED, "the root of '%s' is read-only", run->record->container_id);
	return 0;
}

static int check_freezer(struct run *run, struct error *err)
{
	uint32_t others[OTHERS_MAX];
	const uint32_t pid = (uint32_t)run->record->old_pid;
	const struct live_request request = {
		.pid = pid,
		.others = others,
		.other_count = restoring_list_others(run, pid, others),
	};

	return live_is_frozen(&request, err) < 0 ? error_wrap(err, "'%s'", run->record->container_id) : 0;
}

int restorable_check(struct session *session, const struct target *target, struct error *err)
{
	cleanup_location struct location location = { 0 };
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct record record = { .kind = OPERATION_RESTORE,
				 .container_id = target->container_id,
				 .snapshotter = target->container.snapshotter,
				 .old_active = target->container.snapshot_key };
	struct run run = { .session = session, .record = &record };

	if (location_find(session, record.snapshotter, record.old_active, &location, err) < 0 ||
	    check_layers(&location, record.container_id, err) < 0 ||
	    ctr_task_get(session->ctr, record.container_id, &task, err) < 0)
		return -1;
	if (!task_has_process(task.state))
		return 0;
	record.old_pid = (int)task.pid;
	if (plan_live_check(&location, &record, err) < 0 || check_root(&run, err) < 0)
		return -1;
	return check_freezer(&run, err);
}
