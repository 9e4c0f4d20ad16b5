/* Locks in containerd of runs that have ended, or of which nobody here can tell. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "doctor/doctor_checks.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"

/* Locks left by runs of our own state directory are taken over by the next run on the workspace: this one. */
static int take_left(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set left = { 0 };

	if (lock_add_left(doctor->session, container_id, &left, err) < 0)
		return -1;
	for (size_t i = 0; i < left.count; i++) {
		const struct lock_request request = { .container_id = left.items[i], .what = "doctor" };
		struct error failure = { 0 };
		struct lock lock;

		if (lock_take(doctor->session, &request, &lock, &failure) == 0)
			lock_release(&lock);
		else if (failure.kind != ERROR_BUSY)
			return error_set(err, failure.kind, "%s", failure.message);
	}
	return 0;
}

static int tell_held(struct doctor *doctor, const char *container_id, const struct ctr_lease *lease,
		     const struct holder *holder, struct error *err)
{
	const struct doctor_subject subject = { .kind = DOCTOR_LOCK_HELD,
						.container_id = container_id,
						.subject = lease->id };
	cleanup_free char *words = holder_words(&lease->labels);

	if (!words)
		return error_memory(err);
	return doctor_tell(doctor, &subject, err,
			   "'%s' is held by another run (%s), %s; 'wsnap recover --break-lock %s' takes its lock away",
			   container_id, words,
			   holder->state == HOLDER_DEAD ? "which has ended and is that directory's to finish"
							: "and whether that still lives cannot be seen from here",
			   container_id);
}

/* A takeover whose first lease is gone locks nobody out, but would stay for ever. */
static int tell_left_over(struct doctor *doctor, const char *container_id, const struct ctr_lease *lease,
			  struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = {
		.kind = DOCTOR_LEASE_STALE, .container_id = container_id, .subject = lease->id, .failure = &failure
	};

	if (doctor->fix && ctr_lease_delete(doctor->session->ctr, lease->id, false, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "the lease '%s' is what a finished takeover of a lock has left",
			   lease->id);
}

static int check_lock(struct doctor *doctor, const struct labels *own, const struct ctr_leases *leases,
		      const struct ctr_lease *lease, struct error *err)
{
	const char *id = labels_get(&lease->labels, LABEL_CONTAINER);
	const struct ctr_lease *holder = id ? lock_lease_holder(leases, id) : NULL;
	struct holder judged = holder_judge(own, &lease->labels);

	if (id && !holder && judged.state == HOLDER_DEAD)
		return tell_left_over(doctor, id, lease, err);
	if (holder != lease || judged.ours || judged.state == HOLDER_ALIVE)
		return 0;
	return tell_held(doctor, id, lease, &judged, err);
}

int doctor_check_locks(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	cleanup_labels struct labels own = { 0 };

	if (doctor->fix && take_left(doctor, container_id, err) < 0)
		return -1;
	if (lock_lease_list(doctor->session, container_id, &leases, err) < 0)
		return -1;
	if (leases.count && holder_describe_self(doctor->session, -1, "doctor", &own, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++)
		if (check_lock(doctor, &own, &leases, &leases.items[i], err) < 0)
			return -1;
	return 0;
}

int doctor_is_left_by_others(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	cleanup_labels struct labels own = { 0 };
	const struct ctr_lease *lease;
	struct holder holder;

	if (lock_lease_list(doctor->session, container_id, &leases, err) < 0 ||
	    holder_describe_self(doctor->session, -1, "doctor", &own, err) < 0)
		return -1;
	lease = lock_lease_holder(&leases, container_id);
	if (!lease)
		return 0;
	holder = holder_judge(&own, &lease->labels);
	return !holder.ours && holder.state == HOLDER_DEAD;
}
