/* A container that cannot be started, by whomever, because of what is left of a task; and a task that runs on another snapshot
 * than its container's. */
#include "base/cleanup.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "task/process.h"
#include "workspace/location.h"

/* Whether it runs on another snapshot: 1, 0, -1. */
static int is_astray(struct doctor *doctor, const struct target *target, struct error *err)
{
	const struct ctr_container *container = &target->container;
	cleanup_ctr_task struct ctr_task task = { 0 };
	cleanup_location struct location location = { 0 };
	cleanup_free char *upper = NULL;

	if (!target->present || !*container->snapshotter || !*container->snapshot_key)
		return 0;
	if (ctr_task_get(doctor->session->ctr, container->id, &task, err) < 0)
		return -1;
	upper = task.pid != 0 && task.state != CTR_TASK_STOPPED ? process_root_upper(task.pid) : NULL;
	if (!upper)
		return 0;
	/* A snapshot that is gone is told of elsewhere. */
	if (location_find(doctor->session, container->snapshotter, container->snapshot_key, &location, err) < 0)
		return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
	return location_is_other(&location, upper);
}

/* Nothing is fixed: what its processes hold has to be saved first. */
static int check_root(struct doctor *doctor, const struct target *target, struct error *err)
{
	struct doctor_subject subject = { .kind = DOCTOR_TASK_ASTRAY,
					  .container_id = target->container_id,
					  .subject = target->container_id };
	int astray = is_astray(doctor, target, err);

	if (astray <= 0)
		return astray;
	return doctor_tell(
		doctor, &subject, err,
		"'%s' runs on another snapshot than '%s', on which it stands: what it writes is in no version, "
		"and is lost when it stops",
		target->container_id, target->container.snapshot_key);
}

int doctor_check_task(struct doctor *doctor, const struct target *target, struct error *err)
{
	struct session *session = doctor->session;
	const char *id = target->container_id;
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_TASK_BLOCKED, .container_id = id, .subject = id, .failure = &failure
	};
	int found = remains_find(session->ctr, session->settings, doctor->shims, id, err);

	if (found <= 0)
		return found < 0 ? -1 : check_root(doctor, target, err);
	if (doctor->fix && remains_clear(session->ctr, session->settings, doctor->shims, id, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "'%s' has no task, but what is left of one keeps it from starting",
			   id);
}
