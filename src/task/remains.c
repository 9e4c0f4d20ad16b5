#include "task/remains.h"

#include "ctr/tasks.h"
#include "task/bundle.h"

int remains_find(struct ctr *ctr, const struct settings *settings, const struct shims *shims, const char *container_id,
		 struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	bool forgotten = names_set_has(&shims->forgotten, container_id);

	if (!forgotten && !bundle_exists(settings, shims->bundles, container_id))
		return 0;
	if (ctr_task_get(ctr, container_id, &task, err) < 0)
		return -1;
	return task.state == CTR_TASK_NONE && (forgotten || bundle_is_left(settings, shims->bundles, container_id));
}

int remains_clear(const struct settings *settings, const struct shims *shims, const char *container_id,
		  struct error *err)
{
	if (shim_end_forgotten(settings, container_id, err) < 0)
		return -1;
	return bundle_is_left(settings, shims->bundles, container_id)
		       ? bundle_remove(settings, shims->bundles, container_id, err)
		       : 0;
}
