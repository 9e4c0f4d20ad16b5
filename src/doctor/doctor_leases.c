/* Leases of operations that nobody remembers: they keep what should be collected. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "doctor/doctor_checks.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"

#define LEASE_PREFIX "wsnap-"

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

	if (!text_starts_with(lease->id, LEASE_PREFIX))
		return false;
	if (!id_parse(lease->id + strlen(LEASE_PREFIX), operation_id))
		return labels_get(&lease->labels, LABEL_CONTAINER) != NULL;
	return !names_set_has(&known->ids, operation_id);
}

/* The leases that bear an operation's name and have no record, as far as one look tells; of one workspace, or with NULL
 * of all. */
static int find_stale(struct session *session, const char *container_id, struct names_set *stale, struct error *err)
{
	struct known_operations known = { .session = session };
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	int result;

	/* Records are written before their lease is taken: those of the leases seen here are all there. */
	if (ctr_lease_list(session->ctr, NULL, &leases, err) < 0)
		return -1;
	result = journal_each(session, add_operation, &known, err);
	if (known.unreadable)
		log_warning("leases are not examined: there is a record that cannot be read");
	for (size_t i = 0; result == 0 && !known.unreadable && i < leases.count; i++)
		if (is_about(&leases.items[i], container_id) && is_unknown(&leases.items[i], &known))
			result = names_set_add(stale, leases.items[i].id, err);
	names_set_release(&known.ids);
	return result;
}

/* A lease that was released between the two listings belonged to an operation that has finished: it is not stale. */
static bool is_left(const struct ctr_leases *leases, const char *id)
{
	for (size_t i = 0; i < leases->count; i++)
		if (strcmp(leases->items[i].id, id) == 0)
			return true;
	return false;
}

int doctor_check_leases(struct doctor *doctor, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set stale = { 0 };
	cleanup_ctr_leases struct ctr_leases leases = { 0 };

	if (find_stale(doctor->session, container_id, &stale, err) < 0)
		return -1;
	if (stale.count && ctr_lease_list(doctor->session->ctr, NULL, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < stale.count; i++) {
		struct error failure = { 0 };
		struct doctor_subject subject = { .kind = DOCTOR_LEASE_STALE,
						  .subject = stale.items[i],
						  .failure = &failure };

		if (!is_left(&leases, stale.items[i]))
			continue;
		if (doctor->fix && ctr_lease_delete(doctor->session->ctr, stale.items[i], false, &failure) == 0)
			subject.fate = DOCTOR_FIXED;
		if (doctor_tell(doctor, &subject, err, "the lease '%s' is of no operation that is known here",
				stale.items[i]) < 0)
			return -1;
	}
	return 0;
}
