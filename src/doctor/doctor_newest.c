#include "doctor/doctor_newest.h"

#include <string.h>

#include "workspace/label_keys.h"
#include "workspace/version_label.h"

/* No label says how many versions there were. */
#define UNKNOWN (-1)

/* A snapshot that the container could be put on. */
struct candidate {
	const struct inventory_snapshot *snapshot;
	int32_t version;
	int32_t behind; /* the greatest number of a version when it was made, UNKNOWN */
};

static bool has_kind(const struct ctr_snapshot *info, const char *kind)
{
	const char *label = labels_get(&info->labels, LABEL_KIND);

	return label && strcmp(label, kind) == 0;
}

static bool is_same_operation(const struct ctr_snapshot *one, const struct ctr_snapshot *other)
{
	const char *left = labels_get(&one->labels, LABEL_OPERATION);
	const char *right = labels_get(&other->labels, LABEL_OPERATION);

	return left && right && strcmp(left, right) == 0;
}

static const struct inventory_snapshot *parent_of(const struct inventory *inventory, const char *snapshotter,
						  const struct ctr_snapshot *info)
{
	return *info->parent ? inventory_find(inventory, snapshotter, info->parent) : NULL;
}

/* The newest layer of a merge: the older ones, made one by the same operation, are below it. */
static bool is_top(const struct inventory *inventory, const char *snapshotter, const struct ctr_snapshot *info)
{
	const struct inventory_snapshot *below = parent_of(inventory, snapshotter, info);

	return has_kind(info, KIND_MERGED) && below && has_kind(&below->info, KIND_MERGED) &&
	       is_same_operation(&below->info, info);
}

bool doctor_is_merge_of(const struct inventory *inventory, const struct inventory_snapshot *layer,
			const struct ctr_snapshot *other)
{
	return other->kind == CTR_SNAPSHOT_COMMITTED && is_same_operation(&layer->info, other) &&
	       is_top(inventory, layer->snapshotter, other);
}

static const struct inventory_version *version_of(const struct inventory *inventory,
						  const struct inventory_snapshot *snapshot)
{
	for (size_t i = inventory->version_count; i-- > 0;)
		if (inventory->versions[i].snapshot == snapshot)
			return &inventory->versions[i];
	return NULL;
}

/* A version that nobody has given a number yet is the newest there is. */
static int32_t number_of(const struct inventory_version *row, const struct ctr_snapshot *info)
{
	return row ? row->row.version : version_label_parse(labels_get(&info->labels, LABEL_VERSION));
}

static bool is_version(const struct inventory_version *row, const struct ctr_snapshot *info)
{
	return info->kind == CTR_SNAPSHOT_COMMITTED && (row || has_kind(info, KIND_VERSION)) &&
	       (row || !labels_get(&info->labels, LABEL_GIVEN_UP));
}

/* Whether a workspace can be put on it, and what is known of its age. A layer that is only being filled is none, nor are
 * older layers that were made one: what they show is below a newer state. */
static bool judge(const struct inventory *inventory, const struct inventory_snapshot *snapshot,
		  struct candidate *candidate)
{
	const struct ctr_snapshot *info = &snapshot->info;
	const struct inventory_version *row = version_of(inventory, snapshot);
	int32_t last = version_label_parse(labels_get(&info->labels, LABEL_LAST_VERSION));

	*candidate = (struct candidate){ .snapshot = snapshot, .behind = last > 0 ? last : UNKNOWN };
	if (is_version(row, info)) {
		candidate->version = number_of(row, info);
		candidate->behind = candidate->version > 0 ? candidate->version : INT32_MAX;
		return true;
	}
	if (info->kind == CTR_SNAPSHOT_ACTIVE)
		return has_kind(info, KIND_ACTIVE);
	return info->kind == CTR_SNAPSHOT_COMMITTED &&
	       (has_kind(info, KIND_LAYER) || is_top(inventory, snapshot->snapshotter, info));
}

static bool is_newer(const struct candidate *one, const struct candidate *other)
{
	if (one->behind != UNKNOWN && other->behind != UNKNOWN) {
		if (one->behind != other->behind)
			return one->behind > other->behind;
		/* A state that came after the version contains the version's state. */
		if (!one->version != !other->version)
			return !one->version;
	}
	return one->snapshot->info.created_ns > other->snapshot->info.created_ns;
}

static bool is_of(const struct inventory *inventory, const struct inventory_snapshot *snapshot, const char *snapshotter,
		  const char *container_id)
{
	const char *owner = labels_get(&snapshot->info.labels, LABEL_CONTAINER);

	return strcmp(snapshot->snapshotter, snapshotter) == 0 &&
	       (owner ? strcmp(owner, container_id) == 0 : version_of(inventory, snapshot) != NULL);
}

struct doctor_state doctor_find_newest(const struct inventory *inventory, const char *snapshotter,
				       const char *container_id, const char *broken)
{
	struct candidate newest = { 0 }, candidate;

	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (strcmp(snapshot->info.name, broken) != 0 && is_of(inventory, snapshot, snapshotter, container_id) &&
		    judge(inventory, snapshot, &candidate) && (!newest.snapshot || is_newer(&candidate, &newest)))
			newest = candidate;
	}
	return (struct doctor_state){ .snapshot = newest.snapshot, .version = newest.version };
}

struct doctor_state doctor_state_of(const struct inventory *inventory, const struct inventory_snapshot *snapshot)
{
	const struct inventory_version *row = version_of(inventory, snapshot);

	return (struct doctor_state){
		.snapshot = snapshot,
		.version = is_version(row, &snapshot->info) ? number_of(row, &snapshot->info) : 0,
	};
}

const char *doctor_origin_of(const struct inventory *inventory, const struct inventory_snapshot *snapshot)
{
	const char *label = labels_get(&snapshot->info.labels, LABEL_STANDS_ON);
	const struct inventory_snapshot *at = snapshot;

	if (label)
		return label;
	/* The chain has an end, but the steps are counted in case it has none. */
	for (size_t steps = 0; at && steps <= inventory->snapshot_count; steps++) {
		if (is_version(version_of(inventory, at), &at->info))
			return at->info.name;
		at = parent_of(inventory, at->snapshotter, &at->info);
	}
	return NULL;
}
