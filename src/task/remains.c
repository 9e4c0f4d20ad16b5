#include "task/remains.h"

#include "base/clock.h"
#include "base/log.h"
#include "ctr/tasks.h"
#include "task/bundle.h"

/* A shim that is just stopping is gone soon. */
#define STOPPING_MS 300

static bool is_idle(const struct settings *settings, const struct shims *shims, const char *container_id)
{
	return names_set_has(&shims->idle, container_id) && bundle_is_old(settings, shims->bundles, container_id);
}

int remains_find(struct ctr *ctr, const struct settings *settings, const struct shims *shims, const char *container_id,
		 struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	bool forgotten = names_set_has(&shims->forgotten, container_id);

	if (!forgotten && !bundle_exists(settings, shims->bundles, container_id))
		return 0;
	if (ctr_task_get(ctr, container_id, &task, err) < 0)
		return -1;
	if (task.state == CTR_TASK_NONE && is_idle(settings, shims, container_id)) {
		clock_sleep_ms(STOPPING_MS);
		return is_idle(settings, shims, container_id);
	}
	return task.state == CTR_TASK_NONE && (forgotten || bundle_is_left(settings, shims->bundles, container_id));
}

/* By containerd itself, where its container is there: it does not show the task, but deletes it. */
static int end_idle(struct ctr *ctr, const struct settings *settings, const char *container_id, struct error *err)
{
	struct error ignored = { 0 };

	if (ctr_task_delete(ctr, container_id, &ignored) < 0)
		log_detail("'%s': %s", container_id, ignored.message);
	return shim_end_idle(settings, container_id, err);
}

int remains_clear(struct ctr *ctr, const struct settings *settings, const struct shims *shims, const char *container_id,
		  struct error *err)
{
	if ((is_idle(settings, shims, container_id) ? end_idle(ctr, settings, container_id, err)
						    : shim_end_forgotten(settings, container_id, err)) < 0)
		return -1;
	return bundle_is_left(settings, shims->bundles, container_id)
		       ? bundle_remove(settings, shims->bundles, container_id, err)
		       : 0;
}
