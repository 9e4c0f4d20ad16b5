/* Versions that the database has lost, written again from the labels of their snapshots. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/tasks.h"
#include "doctor/doctor_checks.h"
#include "doctor/doctor_newest.h"
#include "store/operation.h"
#include "workspace/label_keys.h"
#include "workspace/version_label.h"

/* Why there is a version that a compaction has left. */

/* A snapshot of a version without a row. */
struct lost {
	const struct inventory_snapshot *snapshot;
	int32_t version; /* 0: its label does not say */
	bool is_taken;   /* another snapshot has that number by now */
	int64_t created_ns;
};

/* Also one without gc.root: nobody has given it up. */
static bool is_version(const struct inventory_snapshot *snapshot)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *kind = labels_get(labels, LABEL_KIND);

	return kind && strcmp(kind, KIND_VERSION) == 0 && !labels_get(labels, LABEL_GIVEN_UP) &&
	       snapshot->info.kind == CTR_SNAPSHOT_COMMITTED;
}

static bool has_row(const struct inventory *inventory, int32_t version)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (inventory->versions[i].row.version == version)
			return true;
	return false;
}

static struct lost read_lost(const struct inventory *inventory, const struct inventory_snapshot *snapshot)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *created = labels_get(labels, LABEL_CREATED);
	struct lost lost = { .snapshot = snapshot,
			     .version = version_label_parse(labels_get(labels, LABEL_VERSION)),
			     .created_ns = snapshot->info.created_ns };
	int64_t created_ns;

	lost.is_taken = lost.version > 0 && has_row(inventory, lost.version);
	if (created && clock_parse(created, &created_ns))
		lost.created_ns = created_ns;
	return lost;
}

/* First those that get back the number they had, so that no other takes it; then the rest in the order they were
 * made. */
static int compare_lost(const void *a, const void *b)
{
	const struct lost *left = a, *right = b;
	int32_t left_version = left->is_taken ? 0 : left->version, right_version = right->is_taken ? 0 : right->version;

	if (!left_version != !right_version)
		return left_version ? -1 : 1;
	if (left_version != right_version)
		return left_version < right_version ? -1 : 1;
	return (left->created_ns > right->created_ns) - (left->created_ns < right->created_ns);
}

/* Two snapshots with one number: it is that of the one that was made first. */
static void mark_doubles(struct lost *lost, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (lost[i].version > 0 && lost[i].version == lost[i - 1].version)
			lost[i].is_taken = true;
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
		return ctr_task_state_name(CTR_TASK_RUNNING);
	return ctr_task_state_name(CTR_TASK_STOPPED);
}

/* What made it shows in its name. */
static enum store_event_type event_of(const struct target *target, const char *runtime_name)
{
	size_t length = strlen(target->container_id);

	return strncmp(runtime_name, target->container_id, length) == 0 &&
			       text_starts_with(runtime_name + length, "-snapshot-")
		       ? EVENT_SNAPSHOT_CREATE
		       : EVENT_VERSION_CREATE;
}

static int write_labels(struct doctor *doctor, const struct lost *lost, int32_t version, struct error *err)
{
	const struct inventory_snapshot *snapshot = lost->snapshot;
	struct ctr *ctr = doctor->session->ctr;
	char number[16], now[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), now);
	if (!labels_get(&snapshot->info.labels, LABEL_GC_ROOT) &&
	    ctr_snapshot_set_label(ctr, snapshot->snapshotter, snapshot->info.name, LABEL_GC_ROOT, now, err) < 0)
		return -1;
	if (version == lost->version)
		return 0;
	snprintf(number, sizeof(number), "%d", version);
	return ctr_snapshot_set_label(ctr, snapshot->snapshotter, snapshot->info.name, LABEL_VERSION, number, err);
}

static int write_again(struct doctor *doctor, const struct target *target, const struct lost *lost, int32_t floor,
		       int32_t *version, struct error *err)
{
	const struct ctr_snapshot *info = &lost->snapshot->info;
	const char *operation = labels_get(&info->labels, LABEL_OPERATION);
	const char *source = labels_get(&info->labels, LABEL_SOURCE);
	char operation_id[ID_SIZE], bot_id[ID_SIZE];
	struct store_operation rows = {
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
		.source = source ? source : SOURCE_MANUAL,
		.created_ns = lost->created_ns,
		.known_version = lost->is_taken ? 0 : lost->version,
		.version_floor = floor,
		.version_event = event_of(target, info->name),
		.is_rebuilt = true,
		.origin = { .by = labels_get(&info->labels, LABEL_BY),
			    .host = labels_get(&info->labels, LABEL_HOST),
			    .note = labels_get(&info->labels, LABEL_NOTE) },
	};
	struct store_written written = { 0 };

	if (!rows.bot_id)
		return error_memory(err);
	if (!operation || !id_parse(operation, operation_id))
		id_random(operation_id);
	if (store_write_operation(doctor->session->store, &rows, &written, err) < 0)
		return -1;
	*version = written.version;
	return write_labels(doctor, lost, written.version, err);
}

int doctor_write_version(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			 const struct inventory_snapshot *snapshot, int32_t *version, struct error *err)
{
	const struct lost lost = read_lost(inventory, snapshot);

	return write_again(doctor, target, &lost, inventory_greatest_label(inventory), version, err);
}

int doctor_make_version(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			const struct inventory_snapshot *layer, int32_t *version, struct error *err)
{
	const char *origin = doctor_origin_of(inventory, layer);
	cleanup_labels struct labels labels = { 0 };
	struct inventory_snapshot made = *layer;
	int result;

	/* Labels first: if this run dies, the next one finds a version without a row and goes on. */
	if (labels_set(&labels, LABEL_KIND, KIND_VERSION, err) < 0 ||
	    labels_set(&labels, LABEL_SOURCE, SOURCE_COMPACT, err) < 0 ||
	    (origin && labels_set(&labels, LABEL_PARENT, origin, err) < 0) ||
	    ctr_snapshot_set_labels(doctor->session->ctr, layer->snapshotter, layer->info.name, &labels, err) < 0)
		return -1;
	made.info.labels = (struct labels){ 0 };
	result = labels_copy(&made.info.labels, &layer->info.labels, err);
	if (result == 0)
		result = labels_copy(&made.info.labels, &labels, err);
	if (result == 0)
		result = doctor_write_version(doctor, target, inventory, &made, version, err);
	labels_release(&made.info.labels);
	return result;
}

static int tell_lost(struct doctor *doctor, const struct target *target, const struct lost *lost, int32_t floor,
		     struct error *err)
{
	const char *name = lost->snapshot->info.name;
	struct error failure = { 0 };
	struct doctor_subject subject = { .kind = DOCTOR_VERSION_UNRECORDED,
					  .container_id = target->container_id,
					  .subject = name,
					  .failure = &failure };
	int32_t version = lost->version;
	char was[64] = "", way_out[160] = "";

	if (doctor->fix && write_again(doctor, target, lost, floor, &version, &failure) == 0)
		subject.fate = DOCTOR_FIXED;
	if (lost->is_taken)
		snprintf(was, sizeof(was), "; another one has the number %d by now", lost->version);
	/* Without its container, somebody may have wanted the history to go. */
	if (!target->present && subject.fate == DOCTOR_LEFT)
		snprintf(way_out, sizeof(way_out),
			 "; its container is gone: 'wsnap delete %s --all' gives all of it up", target->container_id);
	if (version == 0)
		return doctor_tell(doctor, &subject, err, "'%s': the database has no row for its snapshot '%s'%s",
				   target->container_id, name, way_out);
	return doctor_tell(doctor, &subject, err, "'%s' version %d: the database has no row for its snapshot '%s'%s%s",
			   target->container_id, version, name, was, way_out);
}

int doctor_check_unrecorded(struct doctor *doctor, const struct target *target, const struct inventory *inventory,
			    struct error *err)
{
	cleanup_free struct lost *lost = calloc(inventory->snapshot_count + 1, sizeof(*lost));
	/* No number that any snapshot bears is given to another one. */
	int32_t floor = inventory_greatest_label(inventory);
	size_t count = 0;

	if (!lost)
		return error_memory(err);
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (is_version(snapshot) && !inventory_is_recorded(inventory, snapshot->info.name))
			lost[count++] = read_lost(inventory, snapshot);
	}
	qsort(lost, count, sizeof(*lost), compare_lost);
	mark_doubles(lost, count);
	qsort(lost, count, sizeof(*lost), compare_lost);
	for (size_t i = 0; i < count; i++)
		if (tell_lost(doctor, target, &lost[i], floor, err) < 0)
			return -1;
	return 0;
}
