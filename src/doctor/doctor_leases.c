/* Leases of operations that nobody remembers: they keep what should be collected. Whoever works on a workspace, with
 * whatever state directory, needs his lease, and what he has left is his to finish: while its lock may be anybody's, the
 * leases of a workspace are left alone. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "doctor/doctor_checks.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/target.h"

struct known_operations {
	struct session *session;
	struct names_set ids;
	bool unreadable; /* a record cannot be read: any lease may be its */
};

static int add_operation(const char *container_id, void *context, struct error *err)
{
	struct known_operations *known = context;
	cleanup_record struct record record = { 0 };
	struct error failure = { 0 };
	int found = journal_load(known->session, container_id, &record, &failure);

	if (found < 0)
		known->unreadable = true;
	return found > 0 ? names_set_add(&known->ids, record.operation_id, err) : 0;
}

/* An operation's lease names its workspace by a label. */
static bool is_about(const struct ctr_lease *lease, const char *container_id)
{
	const char *label = labels_get(&lease->labels, LABEL_CONTAINER);

	return !container_id || (label && strcmp(label, container_id) == 0);
}

/* Whether it is an operation's, by its name or else by the label of its workspace as well, and of none that is open. */
static bool is_unknown(const struct ctr_lease *lease, const struct known_operations *known)
{
	char operation_id[ID_SIZE];

	if (!text_starts_with(lease->id, OPERATION_LEASE))
		return false;
	/* A fork has no record: its lease tells of it (doctor_forks.c). */
	if (labels_get(&lease->labels, LABEL_FORK))
		return false;
	if (!id_parse(lease->id + strlen(OPERATION_LEASE), operation_id))
		return labels_get(&lease->labels, LABEL_CONTAINER) != NULL;
	return !names_set_has(&known->ids, operation_id);
}

/* Whose lock decides; NULL: it does not say of which workspace it is. */
static const char *owner_of(const struct ctr_lease *lease)
{
	const char *label = labels_get(&lease->labels, LABEL_CONTAINER);

	return label && target_name_is_valid(label) ? label : NULL;
}

/* Whether the workspace's lock is another run's, of one that lives, or of one that is not ours to judge: 1, 0, -1. */
static int is_held(struct session *session, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases locks = { 0 };
	cleanup_labels struct labels own = { 0 };
	const struct ctr_lease *lock;
	struct holder holder;

	if (lock_lease_list(session, container_id, &locks, err) < 0)
		return -1;
	lock = lock_lease_holder(&locks, container_id);
	if (!lock)
		return 0;
	if (holder_describe_self(session, -1, "doctor", &own, err) < 0)
		return -1;
	holder = holder_judge(&own, &lock->labels);
	return !holder.ours || holder.state != HOLDER_DEAD;
}

/* Nobody works on it, and with `fix` nobody will before the lock is released: 1, 0, -1. */
static int claim(struct doctor *doctor, const struct ctr_lease *lease, struct lock *lock, struct error *err)
{
	const struct lock_request request = { .container_id = owner_of(lease), .what = "doctor" };
	int held = request.container_id ? is_held(doctor->session, request.container_id, err) : 0;

	if (held != 0)
		return held < 0 ? -1 : 0;
	if (!request.container_id || !doctor->fix || lock_take(doctor->session, &request, lock, err) == 0)
		return 1;
	return error_forgive(err, ERROR_BUSY) ? 0 : -1;
}

/* One that was released meanwhile belonged to an operation that has finished. */
static int is_left(struct session *session, const struct ctr_lease *lease, struct error *err)
{
	cleanup_free char *filter = text_format("id==\"%s\"", lease->id);
	cleanup_ctr_leases struct ctr_leases leases = { 0 };

	if (!filter)
		return error_memory(err);
	return ctr_lease_list(session->ctr, filter, &leases, err) < 0 ? -1 : leases.count > 0;
}

static int tell_stale(struct doctor *doctor, const struct ctr_lease *lease, struct error *err)
{
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_LEASE_STALE, .subject = lease->id, .failure = &failure };

	if (doctor->fix && ctr_lease_delete(doctor->session->ctr, lease->id, false, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	return doctor_tell(doctor, &subject, err, "the lease '%s' is of no operation that is known here", lease->id);
}

static int check_lease(struct doctor *doctor, const struct ctr_lease *lease, struct error *err)
{
	struct lock lock = { .file = -1 };
	int left = claim(doctor, lease, &lock, err), signal;

	if (left > 0)
		left = is_left(doctor->session, lease, err);
	if (left > 0)
		left = tell_stale(doctor, lease, err);
	signal = lock_release(&lock);
	if (signal)
		doctor->signal = signal;
	return left < 0 ? -1 : 0;
}

int doctor_check_leases(struct doctor *doctor, const char *container_id, struct error *err)
{
	struct known_operations known = { .session = doctor->session };
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	int result;

	/* Records are written before their lease is taken: those of the leases seen here are all there. */
	if (ctr_lease_list(doctor->session->ctr, NULL, &leases, err) < 0)
		return -1;
	result = journal_each(doctor->session, add_operation, &known, err);
	if (known.unreadable)
		log_warning("leases are not examined: there is a record that cannot be read");
	for (size_t i = 0; result == 0 && !known.unreadable && i < leases.count; i++)
		if (is_about(&leases.items[i], container_id) && is_unknown(&leases.items[i], &known))
			result = check_lease(doctor, &leases.items[i], err);
	names_set_release(&known.ids);
	return result;
}
