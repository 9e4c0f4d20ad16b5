/* Forks that were cut off: only their leases tell of them. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "doctor/doctor_checks.h"
#include "fork/fork_finish.h"

static int tell_fork(struct doctor *doctor, const struct fork_lease *fork, struct error *err)
{
	struct error failure = { 0 };
	cleanup_free char *what = NULL;
	struct doctor_subject subject = { .kind = DOCTOR_OPERATION_OPEN,
					  .container_id = fork->container_id,
					  .subject = fork->operation_id,
					  .failure = &failure };

	if (doctor->fix && fork_settle(doctor->session, fork, &what, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (doctor_tell(doctor, &subject, err, "'%s' is a fork that was cut off%s%s", fork->container_id,
			what ? ": " : "", what ? what : "") < 0)
		return -1;
	return subject.fate == DOCTOR_LEFT;
}

int doctor_check_fork(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct fork_lease fork;
	int open = 0;

	if (ctr_lease_list(doctor->session->ctr, FORK_LEASES, &leases, err) < 0)
		return -1;
	for (size_t i = 0; open == 0 && i < leases.count; i++)
		if (fork_lease_read(&leases.items[i], &fork) && strcmp(fork.container_id, container_id) == 0)
			open = tell_fork(doctor, &fork, err);
	return open;
}
