#include "operation/state_words.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "ctr/tasks.h"
#include "operation/standstill.h"
#include "operation/task.h"

const char *state_words(const struct run *run)
{
	const struct record *record = run->record;
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct error unknown = { 0 };

	/* What we have taken down is down also where containerd cannot be asked any more. */
	if (ctr_task_get(run->session->ctr, record->container_id, &task, &unknown) < 0)
		return record->stage == STAGE_DOWN ? "is down" : NULL;
	if (!task_has_process(task.state))
		return "is down";
	return task_is_paused(task.state) || standstill_of(run, task.pid, &unknown) > 0 ? "stands still" : "runs";
}

int state_words_half_changed(const struct run *run, struct error *err)
{
	const char *id = run->record->container_id, *words = state_words(run);

	if (words)
		error_wrap(err, "'%s' %s, and its files are not changed to the end", id, words);
	else
		error_wrap(err, "'%s' has files that are not changed to the end", id);
	err->kind = ERROR_INCOMPLETE;
	if (err->hint[0])
		return -1;
	return error_hint(err, "'wsnap recover %s' does the rest%s", id,
			  run->record->stage == STAGE_DOWN ? ", and starts it again" : "");
}
