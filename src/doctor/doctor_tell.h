/* One run of doctor, and how a check reports what it has found. */
#ifndef WSNAP_DOCTOR_DOCTOR_TELL_H
#define WSNAP_DOCTOR_DOCTOR_TELL_H

#include "doctor/doctor_finding.h"
#include "task/remains.h"
#include "workspace/session.h"

struct doctor {
	struct session *session;
	bool fix;
	bool is_one; /* a TARGET was named */
	const struct shims *shims;
	int signal; /* that came while a workspace was examined, and asks us to end */
	doctor_each each;
	void *context;
	struct doctor_summary *summary;
};

/* What became of a finding. With a failure the message tells why it could not be fixed. */
enum doctor_fate { DOCTOR_LEFT, DOCTOR_FIXED };

struct doctor_subject {
	const char *kind;
	const char *container_id;
	const char *subject;
	enum doctor_fate fate;
	const struct error *failure; /* NULL, or of kind ERROR_NONE: none */
};

int doctor_tell(struct doctor *doctor, const struct doctor_subject *subject, struct error *err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
