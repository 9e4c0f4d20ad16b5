#include "operation/findings.h"

#include "base/cleanup.h"
#include "operation/plan_state.h"
#include "workspace/snapshotters.h"

void findings_release(struct findings *findings)
{
	ctr_container_release(&findings->container);
	ctr_snapshot_release(&findings->active);
	location_release(&findings->location);
	spec_release(&findings->spec);
	ctr_task_release(&findings->task);
}

/* Two containers on one writable layer: one would run on while the other's state is committed. A label that says whom it
 * was made for keeps nobody from using it as well. */
static int check_shared(struct session *session, const struct findings *findings, struct error *err)
{
	const struct ctr_container *mine = &findings->container;
	cleanup_free char *other = NULL;

	if (ctr_container_find_sharing(session->ctr, mine, &other, err) < 0)
		return -1;
	if (!other)
		return 0;
	return error_set(err, ERROR_REFUSED, "'%s' shares its snapshot '%s' with the container '%s'", mine->id,
			 mine->snapshot_key, other);
}

static int find_active(struct session *session, struct findings *findings, struct error *err)
{
	const struct ctr_container *container = &findings->container;
	int found;

	if (!*container->snapshotter || !*container->snapshot_key)
		return error_set(err, ERROR_FAILED, "'%s' has no snapshot: there is nothing to save", container->id);
	found = snapshotters_stat_active(session, container, &findings->active, err);
	if (found == 0) {
		error_set(err, ERROR_FAILED, "'%s' points at the snapshot '%s', which containerd does not have",
			  container->id, container->snapshot_key);
		return error_hint(err, "'wsnap doctor %s' says what is left of it", container->id);
	}
	if (found < 0)
		return -1;
	if (findings->active.kind != CTR_SNAPSHOT_ACTIVE)
		return error_set(err, ERROR_FAILED, "'%s' stands on '%s', which is no active snapshot", container->id,
				 container->snapshot_key);
	if (location_find(session, container->snapshotter, container->snapshot_key, &findings->location, err) < 0)
		return -1;
	return plan_state_check_layer(session, container, &findings->active, &findings->location, err);
}

int findings_find(struct session *session, const char *container_id, struct findings *findings, struct error *err)
{
	if (ctr_container_get(session->ctr, container_id, &findings->container, err) < 0 ||
	    find_active(session, findings, err) < 0 || spec_read(&findings->container, &findings->spec, err) < 0 ||
	    ctr_task_get(session->ctr, container_id, &findings->task, err) < 0 ||
	    check_shared(session, findings, err) < 0)
		return -1;
	return plan_state_check_task(session->settings, &findings->container, &findings->location, &findings->task,
				     err);
}
