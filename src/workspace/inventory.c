#include "workspace/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/history.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"
#include "workspace/survey.h"
#include "workspace/version_label.h"

struct reading {
	struct session *session;
	const struct target *target;
	struct inventory *inventory;
	const char *stands_on; /* NULL: unknown */
};

/* Room for one more item. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size, struct error *err)
{
	size_t wanted = *capacity ? *capacity * 2 : 64;
	void *grown = items;

	if (count < *capacity)
		return items;
	grown = reallocarray(items, wanted, size);
	if (!grown)
		error_memory(err);
	else
		*capacity = wanted;
	return grown;
}

static int add_version(const struct store_version *row, void *context, struct error *err)
{
	struct reading *reading = context;
	struct inventory *inventory = reading->inventory;
	struct inventory_version *versions = grow(inventory->versions, inventory->version_count,
						  &inventory->version_capacity, sizeof(*versions), err);
	struct inventory_version *version;

	if (!versions)
		return -1;
	inventory->versions = versions;
	version = &versions[inventory->version_count++];
	*version = (struct inventory_version){
		.current = reading->stands_on && strcmp(reading->stands_on, row->runtime_name) == 0,
	};
	return store_version_copy(row, &version->row, err);
}

/* Takes the snapshot over. */
static int add_snapshot(struct inventory *inventory, const char *snapshotter, struct ctr_snapshot *info,
			struct error *err)
{
	struct inventory_snapshot *snapshots = grow(inventory->snapshots, inventory->snapshot_count,
						    &inventory->snapshot_capacity, sizeof(*snapshots), err);
	char *copy;

	if (!snapshots)
		return -1;
	inventory->snapshots = snapshots;
	copy = strdup(snapshotter);
	if (!copy)
		return error_memory(err);
	snapshots[inventory->snapshot_count++] = (struct inventory_snapshot){ .snapshotter = copy, .info = *info };
	*info = (struct ctr_snapshot){ 0 };
	return 0;
}

static int compare_snapshots(const void *a, const void *b)
{
	const struct inventory_snapshot *left = a, *right = b;
	int order = strcmp(left->info.name, right->info.name);

	return order ? order : strcmp(left->snapshotter, right->snapshotter);
}

static void sort_snapshots(struct inventory *inventory)
{
	if (inventory->snapshot_count)
		qsort(inventory->snapshots, inventory->snapshot_count, sizeof(*inventory->snapshots),
		      compare_snapshots);
}

/* Adds the snapshots that bear the workspace's label. */
static int add_labelled(struct reading *reading, const char *snapshotter, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots found = { 0 };
	cleanup_free char *filter =
		text_format("labels.\"%s\"==\"%s\"", LABEL_CONTAINER, reading->target->container_id);
	int listed;

	if (!filter)
		return error_memory(err);
	listed = snapshotters_list(reading->session, snapshotter, filter, &found, err);
	if (listed <= 0)
		return listed;
	if (names_set_add(&reading->inventory->snapshotters, snapshotter, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (add_snapshot(reading->inventory, snapshotter, &found.items[i], err) < 0)
			return -1;
	return 0;
}

/* Rows may name a snapshotter that no container uses any more. */
static int add_from_rows(struct reading *reading, struct error *err)
{
	struct inventory *inventory = reading->inventory;
	cleanup_names_set struct names_set others = { 0 };

	for (size_t i = 0; i < inventory->version_count; i++) {
		const char *snapshotter = inventory->versions[i].row.snapshotter;

		if (!names_set_has(&inventory->snapshotters, snapshotter) &&
		    names_set_add(&others, snapshotter, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < others.count; i++)
		if (add_labelled(reading, others.items[i], err) < 0)
			return -1;
	sort_snapshots(inventory);
	return 0;
}

static int copy_snapshot(const struct ctr_snapshot *from, struct ctr_snapshot *to, struct error *err)
{
	*to = (struct ctr_snapshot){ .name = strdup(from->name),
				     .parent = strdup(from->parent),
				     .kind = from->kind,
				     .created_ns = from->created_ns,
				     .updated_ns = from->updated_ns };
	return to->name && to->parent ? labels_copy(&to->labels, &from->labels, err) : error_memory(err);
}

/* The snapshot as it is now: 1, 0 it is gone, -1. A run that only looks takes it as the survey saw it, if a row
 * names it. */
static int look_again(struct reading *reading, const struct survey_snapshot *one, const struct names_set *rows,
		      struct ctr_snapshot *info, struct error *err)
{
	if (reading->session->survey->only_look && names_set_has(rows, one->info.name))
		return copy_snapshot(&one->info, info, err) < 0 ? -1 : 1;
	return ctr_snapshot_stat(reading->session->ctr, one->snapshotter, one->info.name, info, err);
}

static int add_row_names(const struct inventory *inventory, struct names_set *names, struct error *err)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (names_set_add(names, inventory->versions[i].row.runtime_name, err) < 0)
			return -1;
	return 0;
}

/* The survey says which snapshots there are; containerd is asked for the present state of each. */
static int add_surveyed(struct reading *reading, struct error *err)
{
	const struct survey *survey = reading->session->survey;
	struct inventory *inventory = reading->inventory;
	cleanup_names_set struct names_set rows = { 0 };
	size_t count;
	const struct survey_snapshot *one = survey_of(survey, reading->target->container_id, &count);

	if (add_row_names(inventory, &rows, err) < 0)
		return -1;
	for (const struct survey_snapshot *end = one + count; one < end; one++) {
		cleanup_ctr_snapshot struct ctr_snapshot info = { 0 };
		int found = look_again(reading, one, &rows, &info, err);

		if (found < 0 || (found > 0 && add_snapshot(inventory, one->snapshotter, &info, err) < 0))
			return -1;
	}
	for (size_t i = 0; i < survey->snapshotters.count; i++)
		if (names_set_add(&inventory->snapshotters, survey->snapshotters.items[i], err) < 0)
			return -1;
	return add_from_rows(reading, err);
}

static int add_all_labelled(struct reading *reading, struct error *err)
{
	const struct inventory *inventory = reading->inventory;
	cleanup_names_set struct names_set all = { 0 };

	if (snapshotters_of(reading->session, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < inventory->version_count; i++)
		if (names_set_add(&all, inventory->versions[i].row.snapshotter, err) < 0)
			return -1;
	for (size_t i = 0; i < all.count; i++)
		if (add_labelled(reading, all.items[i], err) < 0)
			return -1;
	sort_snapshots(reading->inventory);
	return 0;
}

/* Rows of another tool have snapshots without our labels: each is asked for by its name. */
static int add_unlabelled(struct reading *reading, struct error *err)
{
	struct inventory *inventory = reading->inventory;
	struct inventory others = { 0 };
	int result = 0;

	for (size_t i = 0; i < inventory->version_count && result == 0; i++) {
		const struct store_version *row = &inventory->versions[i].row;
		cleanup_ctr_snapshot struct ctr_snapshot info = { 0 };

		if (inventory_find(inventory, row->snapshotter, row->runtime_name) ||
		    !names_set_has(&inventory->snapshotters, row->snapshotter))
			continue;
		result = ctr_snapshot_stat(reading->session->ctr, row->snapshotter, row->runtime_name, &info, err);
		if (result > 0)
			result = add_snapshot(&others, row->snapshotter, &info, err);
	}
	for (size_t i = 0; i < others.snapshot_count; i++)
		if (result == 0)
			result = add_snapshot(inventory, others.snapshots[i].snapshotter, &others.snapshots[i].info,
					      err);
	inventory_release(&others);
	sort_snapshots(inventory);
	return result;
}

/* A row alone does not make a snapshot the workspace's: if its label names another workspace, it is that one's. */
static void link_snapshot(const struct inventory *inventory, struct inventory_version *version,
			  const char *container_id)
{
	const struct inventory_snapshot *snapshot =
		inventory_find(inventory, version->row.snapshotter, version->row.runtime_name);
	const char *owner = snapshot ? labels_get(&snapshot->info.labels, LABEL_CONTAINER) : NULL;

	version->elsewhere = !names_set_has(&inventory->snapshotters, version->row.snapshotter);
	if (owner && strcmp(owner, container_id) != 0)
		version->owner = owner;
	else
		version->snapshot = snapshot;
}

static void link_versions(struct inventory *inventory, const char *container_id)
{
	struct inventory_version *newest = NULL;

	for (size_t i = 0; i < inventory->version_count; i++) {
		struct inventory_version *version = &inventory->versions[i];

		link_snapshot(inventory, version, container_id);
		if (!newest || version->snapshot || !newest->snapshot)
			newest = version;
	}
	if (newest)
		newest->newest = true;
}

static void link_keepers(struct inventory *inventory, const struct inventory_snapshot *snapshot)
{
	cleanup_free char *folder = keepers_mounted_at(&snapshot->info);

	for (size_t i = 0; i < inventory->version_count; i++) {
		struct inventory_version *version = &inventory->versions[i];

		if (version->snapshot == snapshot)
			version->guard = keepers_guard_of(&snapshot->info);
		if (folder && version->snapshot && strcmp(version->row.runtime_name, snapshot->info.parent) == 0 &&
		    strcmp(version->row.snapshotter, snapshot->snapshotter) == 0) {
			free(version->mounted_at);
			version->mounted_at = steal_pointer(folder);
		}
	}
}

static int read_all(struct reading *reading, bool surveyed, struct error *err)
{
	if (store_versions_each(reading->session->store, reading->target->container_id, add_version, reading, err) <
		    0 ||
	    (surveyed ? add_surveyed(reading, err) : add_all_labelled(reading, err)) < 0 ||
	    add_unlabelled(reading, err) < 0)
		return -1;
	link_versions(reading->inventory, reading->target->container_id);
	return 0;
}

/* What a survey that is older than a mount says of the views is not all of them. */
static bool was_mounted_since(const struct inventory *inventory, int64_t unix_ns)
{
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_snapshot *snapshot = inventory->versions[i].snapshot;

		if (snapshot && keepers_mounted_since(&snapshot->info, unix_ns))
			return true;
	}
	return false;
}

static int read_anew(struct reading *reading, struct error *err)
{
	inventory_release(reading->inventory);
	return read_all(reading, false, err);
}

int inventory_read(struct session *session, const struct target *target, struct inventory *inventory, struct error *err)
{
	const struct survey *survey = session->survey;
	cleanup_free char *stands_on = NULL;
	struct reading reading = { .session = session, .target = target, .inventory = inventory };

	if (history_stands_on(session, target, &stands_on, err) < 0)
		return -1;
	reading.stands_on = stands_on;
	if (read_all(&reading, survey != NULL, err) < 0)
		return -1;
	if (survey && was_mounted_since(inventory, survey->began_ns) && read_anew(&reading, err) < 0)
		return -1;
	for (size_t i = 0; i < inventory->snapshot_count; i++)
		if (keepers_may_be(&inventory->snapshots[i].info))
			link_keepers(inventory, &inventory->snapshots[i]);
	return 0;
}

void inventory_release(struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->version_count; i++) {
		store_version_release(&inventory->versions[i].row);
		free(inventory->versions[i].mounted_at);
	}
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		free(inventory->snapshots[i].snapshotter);
		ctr_snapshot_release(&inventory->snapshots[i].info);
	}
	free(inventory->versions);
	free(inventory->snapshots);
	names_set_release(&inventory->snapshotters);
	*inventory = (struct inventory){ 0 };
}

const struct inventory_snapshot *inventory_find(const struct inventory *inventory, const char *snapshotter,
						const char *name)
{
	size_t low = 0, high = inventory->snapshot_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct inventory_snapshot *one = &inventory->snapshots[middle];
		int order = strcmp(name, one->info.name);

		if (order == 0)
			order = strcmp(snapshotter, one->snapshotter);
		if (order == 0)
			return one;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool inventory_is_recorded(const struct inventory *inventory, const char *name)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (strcmp(inventory->versions[i].row.runtime_name, name) == 0)
			return true;
	return false;
}

int32_t inventory_greatest_label(const struct inventory *inventory)
{
	int32_t greatest = 0;

	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct labels *labels = &inventory->snapshots[i].info.labels;
		int32_t version = version_label_parse(labels_get(labels, LABEL_VERSION));

		greatest = version > greatest ? version : greatest;
	}
	return greatest;
}
