/* A container that cannot be started, by whomever, because of what is left of a task. */
#include "doctor/doctor_checks.h"

int doctor_check_task(struct doctor *doctor, const struct target *target, struct error *err)
{
	struct session *session = doctor->session;
	const char *id = target->container_id;
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_TASK_BLOCKED, .container_id = id, .subject = id, .failure = &failure
	};
	int found = target->present ? remains_find(session->ctr, session->settings, doctor->shims, id, err) : 0;

	if (found <= 0)
		return found;
	if (doctor->fix && remains_clear(session->settings, doctor->shims, id, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "'%s' has no task, but what is left of one keeps it from starting",
			   id);
}
