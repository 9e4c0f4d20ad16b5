/* Network attachments of tasks that are gone: their addresses stay taken until DEL has run. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "operation/plan_network.h"
#include "workspace/journal.h"
#include "workspace/lock.h"
#include "workspace/survey.h"

struct attachments {
	struct doctor *doctor;
	const struct network *network;
	const char *container_id; /* only of this one; NULL: of all */
	struct names_set containers;
};

/* The workspace that an attachment's id names: ID, or NAMESPACE-ID. NULL: none of this namespace. */
static const char *owner_of(const struct attachments *attachments, const char *id)
{
	const char *namespace = attachments->doctor->session->settings->namespace;
	size_t length = strlen(namespace);

	if (names_set_has(&attachments->containers, id))
		return id;
	if (strncmp(id, namespace, length) == 0 && id[length] == '-' && target_name_is_valid(id + length + 1))
		return id + length + 1;
	return NULL;
}

/* "a-b-c" is container b-c of namespace a, and container c of namespace a-b: 1 if the latter exists, 0, -1. */
static int is_of_other_namespace(struct session *session, const char *id, const char *rest, struct error *err)
{
	for (const char *dash = strchr(rest, '-'); dash; dash = strchr(dash + 1, '-')) {
		cleanup_ctr_container struct ctr_container container = { 0 };
		cleanup_free char *namespace = strndup(id, (size_t)(dash - id));
		cleanup_ctr struct ctr *ctr = NULL;
		int found;

		if (!namespace)
			return error_memory(err);
		if (!text_is_identifier(namespace) || !text_is_identifier(dash + 1))
			continue;
		if (ctr_open(session->settings->address, namespace, &ctr, err) < 0)
			return -1;
		found = ctr_container_find(ctr, dash + 1, &container, err);
		if (found != 0)
			return found;
	}
	return 0;
}

static int is_in_use(struct session *session, const char *owner, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	int open = journal_exists(session, owner, err);

	/* An operation that was cut off takes care of its own network. */
	if (open != 0)
		return open;
	if (ctr_task_get(session->ctr, owner, &task, err) < 0)
		return -1;
	return task.state != CTR_TASK_NONE && task.state != CTR_TASK_STOPPED;
}

/* Whether the attachment is stale: 1, 0, -1. It is not while another run holds the container. */
static int is_stale(struct attachments *attachments, const char *id, const char *owner, struct lock *lock,
		    struct error *err)
{
	struct session *session = attachments->doctor->session;
	const struct lock_request request = { .container_id = owner,
					      .what = "doctor",
					      .only_look = !attachments->doctor->fix };
	int used = is_in_use(session, owner, err);

	if (used == 0 && owner != id && !names_set_has(&attachments->containers, owner))
		used = is_of_other_namespace(session, id, owner, err);
	if (used != 0)
		return used < 0 ? -1 : 0;
	if (lock_take(session, &request, lock, err) < 0) {
		return error_forgive(err, ERROR_BUSY) ? 0 : -1;
	}
	used = is_in_use(session, owner, err);
	return used < 0 ? -1 : !used;
}

static int check_attachment(const struct network_attachment *attachment, void *context, struct error *err)
{
	struct attachments *attachments = context;
	struct doctor *doctor = attachments->doctor;
	const char *owner = owner_of(attachments, attachment->container_id);
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_ADDRESS_STALE,
					  .container_id = owner,
					  .subject = attachment->container_id,
					  .failure = &failure };
	struct lock lock = { .file = -1 };
	int stale, signal;

	if (!owner || (attachments->container_id && strcmp(owner, attachments->container_id) != 0) ||
	    (doctor->signal && !doctor->is_one))
		return 0;
	stale = is_stale(attachments, attachment->container_id, owner, &lock, err);
	if (stale > 0 && doctor->fix && network_del(attachments->network, attachment, NULL, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	signal = lock_release(&lock);
	if (stale > 0 && signal)
		doctor->signal = signal;
	if (stale <= 0)
		return stale;
	return doctor_tell(doctor, &subject, err, "'%s' does not run, but holds %s%s of the network '%s'", owner,
			   attachment->address ? "the address " : "an address",
			   attachment->address ? attachment->address : "", network_name(attachments->network));
}

static int add_known(const struct names_set *known, struct names_set *ids, struct error *err)
{
	for (size_t i = 0; i < known->count; i++)
		if (names_set_add(ids, known->items[i], err) < 0)
			return -1;
	return 0;
}

static int find_containers(struct session *session, struct names_set *ids, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };

	if (session->survey)
		return add_known(&session->survey->containers, ids, err);
	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++)
		if (names_set_add(ids, containers.items[i].id, err) < 0)
			return -1;
	return 0;
}

int doctor_check_network(struct doctor *doctor, const char *container_id, const struct names_set *known,
			 struct error *err)
{
	cleanup_network struct network *network = NULL;
	struct attachments attachments = { .doctor = doctor, .container_id = container_id };
	int result;

	if (doctor->session->settings->network == NETWORK_NONE)
		return 0;
	if (plan_network_load(doctor->session, &network, err) < 0)
		return -1;
	if (!network)
		return 0;
	attachments.network = network;
	result = find_containers(doctor->session, &attachments.containers, err);
	if (result == 0)
		result = add_known(known, &attachments.containers, err);
	if (result == 0)
		result = network_cached_each(network, check_attachment, &attachments, err);
	names_set_release(&attachments.containers);
	return result;
}
