/* Operations that have ended but for their rows, which the database refused. */
#include "doctor/doctor_checks.h"
#include "operation/rows.h"
#include "workspace/journal.h"

static int tell_refused(const struct record *record, void *context, struct error *err)
{
	struct doctor *doctor = context;
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_OPERATION_OPEN,
					  .container_id = record->container_id,
					  .subject = record->operation_id,
					  .failure = &failure };
	int32_t version;

	if (doctor->fix && rows_write_refused(doctor->session, record, &version, &failure) >= 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err,
			   "'%s' has finished an operation, but its rows are not written: %s%s%s%s",
			   record->container_id, record->refusal ? record->refusal : "the database refused them",
			   record_makes_version(record) ? "; what it saved is the snapshot '" : "",
			   record_makes_version(record) ? record->saved : "", record_makes_version(record) ? "'" : "");
}

int doctor_check_refused(struct doctor *doctor, const char *container_id, struct error *err)
{
	return journal_each_refused(doctor->session, container_id, tell_refused, doctor, err);
}
