/*
 * Compares containerd, Postgres and the state directory of one namespace, and puts right what can be put right
 * without losing anything: operations and prunings that were cut off, versions without a row or without the
 * label that keeps them, leases and network addresses that nobody uses, a container without its snapshot.
 */
#ifndef WSNAP_DOCTOR_DOCTOR_H
#define WSNAP_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "doctor/doctor_finding.h"
#include "workspace/session.h"
#include "workspace/target.h"

/*
 * Examines one workspace, or with NULL all of the namespace, leases included. With `fix` puts
 * right what it can. `each` is called for every finding. 0 also with findings; a workspace that
 * could not be examined does not stop the others, the first such error comes back.
 */
int doctor_run(struct session *session, const struct target_word *target, bool fix, doctor_each each, void *context,
	       struct doctor_summary *summary, struct error *err);

#endif
