/* Versions that the database has lost, written again from the labels of their snapshots. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/tasks.h"
#include "store/record.h"
#include "workspace/doctor_checks.h"
#include "workspace/label_keys.h"

/* A snapshot of a version without a row. */
struct lost {
	const struct inventory_snapshot *snapshot;
	int32_t version; /* 0: its label does not say */
	int64_t created_ns;
};

static bool is_version(const struct inventory_snapshot *snapshot)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *kind = labels_get(labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_VERSION) == 0 && labels_get(labels, LABEL_GC_ROOT) &&
	       !labels_get(labels, LABEL_GIVEN_UP) && snapshot->info.kind == CTR_SNAPSHOT_COMMITTED;
}

static struct lost read_lost(const struct inventory_snapshot *snapshot)
{
	const char *version = labels_get(&snapshot->info.labels, LABEL_VERSION);
	const char *created = labels_get(&snapshot->info.labels, LABEL_CREATED);
	struct lost lost = { .snapshot = snapshot, .created_ns = snapshot->info.created_ns };
	int64_t created_ns;

	if (version && text_is_digits(version) && strlen(version) <= 10 && atoll(version) <= INT32_MAX)
		lost.version = (int32_t)atoll(version);
	if (created && clock_parse(created, &created_ns))
		lost.created_ns = created_ns;
	return lost;
}

/* Those with a number first, so that nobody else gets it; the rest as they were made. */
static int compare_lost(const void *a, const void *b)
{
	const struct lost *left = a, *right = b;

	if (!left->version != !right->version)
		return left->version ? -1 : 1;
	if (left->version != right->version)
		return left->version < right->version ? -1 : 1;
	return (left->created_ns > right->created_ns) - (left->created_ns < right->created_ns);
}

static const char *find_bot(struct doctor *doctor, const struct target *target, const struct labels *labels,
			    char bot_id[static ID_SIZE])
{
	const char *label = labels_get(labels, LABEL_BOT_ID);
	cleanup_free char *name = NULL;

	if (label && id_parse(label, bot_id))
		return bot_id;
	if (target->bot_id[0])
		return target->bot_id;
	name = text_format("%s/%s", doctor->session->settings->namespace, target->container_id);
	if (!name)
		return NULL;
	id_of_name(name, bot_id);
	return bot_id;
}

static const char *find_status(struct doctor *doctor, const struct target *target)
{
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct error ignored = { 0 };

	if (target->present && ctr_task_get(doctor->session->ctr, target->container_id, &task, &ignored) == 0 &&
	    task.state == CTR_TASK_RUNNING)
		return "running";
	return "stopped";
}

/* The number that its label says, unless another snapshot has it by now. 0: the next one. -1 error. */
static int32_t choose_version(struct doctor *doctor, const struct target *target, const struct lost *lost,
			      struct error *err)
{
	cleanup_store_version struct store_version taken = { 0 };
	int found;

	if (lost->version == 0)
		return 0;
	found = store_version_by_number(doctor->session->store, target->container_id, lost->version, &taken, err);
	return found == 0 ? lost->version : found < 0 ? -1 : 0;
}

static int write_again(struct doctor *doctor, const struct target *target, const struct lost *lost,
		       int32_t *version, struct error *err)
{
	const struct ctr_snapshot *info = &lost->snapshot->info;
	const char *operation = labels_get(&info->labels, LABEL_OPERATION);
	const char *source = labels_get(&info->labels, LABEL_SOURCE);
	char operation_id[ID_SIZE], bot_id[ID_SIZE], number[16];
	struct store_record record = {
		.operation_id = operation_id,
		.container_id = target->container_id,
		.bot_id = find_bot(doctor, target, &info->labels, bot_id),
		.namespace = doctor->session->settings->namespace,
		.image = target->present ? target->container.image : NULL,
		.status = find_status(doctor, target),
		.runtime_name = info->name,
		.display_name = labels_get(&info->labels, LABEL_NAME),
		.parent = labels_get(&info->labels, LABEL_PARENT),
		.snapshotter = lost->snapshot->snapshotter,
		.source = source ? source : "manual",
		.created_ns = lost->created_ns,
		.known_version = choose_version(doctor, target, lost, err),
	};
	struct store_recorded recorded = { 0 };

	if (!record.bot_id)
		return error_memory(err);
	if (record.known_version < 0)
		return -1;
	if (!operation || !id_parse(operation, operation_id))
		id_random(operation_id);
	if (store_record_operation(doctor->session->store, &record, &recorded, err) < 0)
		return -1;
	*version = recorded.version;
	if (recorded.version == lost->version)
		return 0;
	snprintf(number, sizeof(number), "%d", recorded.version);
	return ctr_snapshot_set_label(doctor->session->ctr, lost->snapshot->snapshotter, info->name, LABEL_VERSION,
				      number, err);
}

static int tell_lost(struct doctor *doctor, const struct target *target, const struct lost *lost,
		     struct error *err)
{
	const char *name = lost->snapshot->info.name;
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_VERSION_UNRECORDED,
					  .container_id = target->container_id,
					  .subject = name,
					  .failure = &failure };
	int32_t version = lost->version;

	if (doctor->fix && write_again(doctor, target, lost, &version, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (version == 0)
		return doctor_tell(doctor, &subject, err, "'%s': the database has no row for its snapshot '%s'",
				   target->container_id, name);
	return doctor_tell(doctor, &subject, err, "'%s' version %d: the database has no row for its snapshot '%s'",
			   target->container_id, version, name);
}

int doctor_check_unrecorded(struct doctor *doctor, const struct target *target,
			    const struct inventory *inventory, struct error *err)
{
	cleanup_free struct lost *lost = calloc(inventory->snapshot_count + 1, sizeof(*lost));
	cleanup_names_set struct names_set recorded = { 0 };
	size_t count = 0;

	if (!lost)
		return error_memory(err);
	for (size_t i = 0; i < inventory->version_count; i++)
		if (names_set_add(&recorded, inventory->versions[i].row.runtime_name, err) < 0)
			return -1;
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (is_version(snapshot) && !names_set_has(&recorded, snapshot->info.name))
			lost[count++] = read_lost(snapshot);
	}
	qsort(lost, count, sizeof(*lost), compare_lost);
	for (size_t i = 0; i < count; i++)
		if (tell_lost(doctor, target, &lost[i], err) < 0)
			return -1;
	return 0;
}
