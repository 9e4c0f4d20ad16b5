#include "doctor/doctor.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "doctor/doctor_checks.h"
#include "doctor/doctor_subjects.h"
#include "operation/recovery.h"
#include "prune/prune.h"
#include "prune/prune_steps.h"
#include "workspace/host.h"
#include "workspace/journal.h"
#include "workspace/lock.h"
#include "workspace/survey.h"

/* 1: it stays open. */
static int tell_unreadable(struct doctor *doctor, const char *container_id, const struct error *failure,
			   struct error *err)
{
	const struct doctor_subject subject = { .kind = DOCTOR_OPERATION_OPEN,
						.container_id = container_id,
						.subject = container_id };

	return doctor_tell(doctor, &subject, err, "%s", failure->message) < 0 ? -1 : 1;
}

/* An operation that was cut off. 1: it is still open, the rest of the workspace is in between. */
static int check_operation(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_settled struct settled settled = { 0 };
	cleanup_record struct record record = { 0 };
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_OPERATION_OPEN, .container_id = container_id };
	int open = journal_exists(doctor->session, container_id, err);

	if (open <= 0)
		return open;
	if (doctor->fix && recovery_settle(doctor->session, container_id, &settled, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	subject.subject = settled.operation_id[0] ? settled.operation_id : container_id;
	subject.failure = &failure;
	if (!doctor->fix && journal_load(doctor->session, container_id, &record, &failure) < 0)
		return tell_unreadable(doctor, container_id, &failure, err);
	if (doctor_tell(doctor, &subject, err, "'%s' has an operation that was cut off%s%s", container_id,
			settled.what ? ": " : "", settled.what ? settled.what : "") < 0)
		return -1;
	return subject.fate == DOCTOR_LEFT;
}

static int check_prune(struct doctor *doctor, const char *container_id, struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_PRUNE_OPEN, .container_id = container_id, .subject = container_id, .failure = &failure
	};
	int count = prune_count_unfinished(doctor->session, container_id, err);

	if (count <= 0)
		return count;
	if (doctor->fix && prune_finish_locked(doctor->session, container_id, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "'%s' has %d versions that are marked to go, and not gone yet",
			   container_id, count);
}

/* First the container, then its layers: the first check may have put it on another snapshot, so it is looked at
 * again. */
static int check_state(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
		       struct error *err)
{
	cleanup_target struct target standing = { 0 };

	if (doctor_check_container(doctor, target, err) < 0 ||
	    (doctor->is_one && doctor_check_remains(doctor, target, err) < 0))
		return -1;
	if (!doctor_has_layers(inventory))
		return 0;
	if (prune_find_target(doctor->session, target->container_id, &standing, err) < 0)
		return -1;
	return doctor_check_layers(doctor, &standing, err);
}

static int examine_locked(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_inventory struct inventory inventory = { 0 };
	cleanup_target struct target target = { 0 };
	int open = check_operation(doctor, container_id, err);

	if (open != 0)
		return open < 0 ? -1 : 0;
	if (doctor_check_refused(doctor, container_id, err) < 0 || check_prune(doctor, container_id, err) < 0 ||
	    target_check_namespace(doctor->session, container_id, err) < 0 ||
	    prune_find_target(doctor->session, container_id, &target, err) < 0 ||
	    inventory_read(doctor->session, &target, &inventory, err) < 0 ||
	    doctor_check_versions(doctor, &target, &inventory, err) < 0)
		return -1;
	if (check_state(doctor, &target, &inventory, err) < 0 ||
	    doctor_check_copies(doctor, &target, &inventory, err) < 0 || doctor_check_at_work(doctor, &target, err) < 0)
		return -1;
	return doctor_check_task(doctor, &target, err);
}

/* What is there of a fork in the making is judged once that has ended. */
static int examine_whole(struct doctor *doctor, const char *container_id, struct error *err)
{
	int open = doctor_check_fork(doctor, container_id, err);

	if (open != 0)
		return open < 0 ? -1 : 0;
	return examine_locked(doctor, container_id, err);
}

/* A workspace of another host is examined without its lock: the lock's file would mark it as worked on here. */
static int examine_foreign(struct doctor *doctor, const char *container_id, struct error *err)
{
	struct doctor reader = *doctor;

	reader.fix = false;
	return examine_locked(&reader, container_id, err);
}

/* 1; 0 another run has it, and it is not to be waited for; -1. */
static int take_lock(struct doctor *doctor, const char *container_id, struct lock *lock, struct error *err)
{
	struct lock_request request = { .container_id = container_id, .what = "doctor", .only_look = !doctor->fix };
	int left;

	if (lock_take(doctor->session, &request, lock, err) == 0)
		return 1;
	if (err->kind != ERROR_BUSY)
		return -1;
	/* What another state directory has left is told of as a lock. */
	left = doctor->is_one ? 0 : doctor_is_left_by_others(doctor, container_id, err);
	request.wait_s = doctor->session->settings->wait_s;
	if (left < 0)
		return -1;
	error_clear(err);
	if (left > 0 || (!doctor->is_one && request.wait_s == 0))
		return 0;
	return lock_take(doctor->session, &request, lock, err) < 0 ? -1 : 1;
}

static int examine_ours(struct doctor *doctor, const char *container_id, struct error *err)
{
	struct lock lock;
	/* Another run may be changing it: nothing is reported then. */
	int result = take_lock(doctor, container_id, &lock, err);

	if (result <= 0)
		return result;
	result = examine_whole(doctor, container_id, err);
	doctor->signal = lock_release(&lock);
	if (doctor->signal && doctor->is_one && result == 0)
		return error_set(err, ERROR_FAILED, "a signal came; '%s' was finished first", container_id);
	return result;
}

/* Without a TARGET those of other hosts were left out already. */
static int examine(struct doctor *doctor, const char *container_id, struct error *err)
{
	int known = doctor->is_one ? host_has_container(doctor->session, container_id, err) : 1;

	if (known < 0)
		return -1;
	return known ? examine_ours(doctor, container_id, err) : examine_foreign(doctor, container_id, err);
}

/* The first one comes back in the end. */
static void note(struct failures *failures, const struct error *failure)
{
	if (!failures_note(failures, failure))
		log_warning("%s", failure->message);
}

/* The findings so far have been told already. */
static int tell_interrupted(const struct doctor *doctor, const char *container_id, struct error *err)
{
	return error_set(err, ERROR_FAILED, "interrupted by SIG%s: '%s' was examined, the workspaces after it were not",
			 sigabbrev_np(doctor->signal), container_id);
}

static int examine_all(struct doctor *doctor, const struct target_word *target, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };
	struct failures failures = { 0 };
	struct error failure = { 0 };
	const char *only;

	if ((target ? doctor_find_target(doctor->session, target, &ids, err)
		    : doctor_find_workspaces(doctor->session, &ids, err)) < 0)
		return -1;
	for (size_t i = 0; i < ids.count; i++) {
		error_clear(&failure);
		if (examine(doctor, ids.items[i], &failure) < 0)
			note(&failures, &failure);
		if (doctor->signal && !target)
			return tell_interrupted(doctor, ids.items[i], err);
	}
	only = target ? ids.items[0] : NULL;
	if (!target && doctor_check_remains(doctor, NULL, &failure) < 0)
		note(&failures, &failure);
	if (doctor_check_leases(doctor, only, &failure) < 0)
		note(&failures, &failure);
	if (doctor_check_locks(doctor, only, &failure) < 0)
		note(&failures, &failure);
	if (doctor_check_network(doctor, only, &ids, &failure) < 0)
		note(&failures, &failure);
	if (doctor->signal && !target && failures.count == 0)
		return error_set(err, ERROR_FAILED, "not all network addresses were looked at: interrupted by SIG%s",
				 sigabbrev_np(doctor->signal));
	return failures_first(&failures, err);
}

int doctor_run(struct session *session, const struct target_word *target, bool fix, doctor_each each, void *context,
	       struct doctor_summary *summary, struct error *err)
{
	struct doctor doctor = { .session = session,
				 .fix = fix,
				 .each = each,
				 .context = context,
				 .summary = summary,
				 .is_one = target != NULL };
	cleanup_survey struct survey survey = { 0 };
	cleanup_shims struct shims shims = { 0 };
	int result;

	*summary = (struct doctor_summary){ 0 };
	if (shim_survey(session->settings, &shims, err) < 0)
		return -1;
	doctor.shims = &shims;
	if (!target) {
		if (survey_take(session, &survey, err) < 0)
			return -1;
		survey.only_look = !fix;
		session->survey = &survey;
	}
	result = examine_all(&doctor, target, err);
	session->survey = NULL;
	return result;
}
