#include "workspace/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctr/containers.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

static int compare_owners(const void *a, const void *b)
{
	const struct survey_snapshot *left = a, *right = b;
	int order = strcmp(left->owner, right->owner);

	return order ? order : strcmp(left->info.name, right->info.name);
}

static int compare_to_parent(const struct survey_snapshot *one, const char *snapshotter, const char *parent)
{
	int order = strcmp(one->snapshotter, snapshotter);

	return order ? order : strcmp(one->info.parent, parent);
}

static int compare_parents(const void *a, const void *b)
{
	const struct survey_snapshot *const *left = a, *const *right = b;

	return compare_to_parent(*left, (*right)->snapshotter, (*right)->info.parent);
}

/* Moves the snapshots into the survey. */
static int add_snapshots(struct survey *survey, const char *snapshotter, struct ctr_snapshots *found, struct error *err)
{
	struct survey_snapshot *grown =
		reallocarray(survey->snapshots, survey->count + found->count + 1, sizeof(*survey->snapshots));

	if (!grown)
		return error_memory(err);
	survey->snapshots = grown;
	for (size_t i = 0; i < found->count; i++) {
		struct survey_snapshot *one = &grown[survey->count++];
		const char *owner = labels_get(&found->items[i].labels, LABEL_CONTAINER);

		*one = (struct survey_snapshot){ .snapshotter = snapshotter,
						 .owner = owner ? owner : "",
						 .info = found->items[i] };
		found->items[i] = (struct ctr_snapshot){ 0 };
	}
	return 0;
}

static int look_at_containers(struct session *session, struct survey *survey, struct names_set *snapshotters,
			      struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };

	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++)
		if (names_set_add(&survey->containers, containers.items[i].id, err) < 0)
			return -1;
	return snapshotters_add(&containers, snapshotters, err);
}

static int look_at_snapshots(struct session *session, struct survey *survey, const char *snapshotter, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots found = { 0 };
	int listed = snapshotters_list(session, snapshotter, NULL, &found, err);

	if (listed <= 0)
		return listed;
	if (names_set_add(&survey->snapshotters, snapshotter, err) < 0)
		return -1;
	for (size_t i = 0; i < survey->snapshotters.count; i++)
		if (strcmp(survey->snapshotters.items[i], snapshotter) == 0)
			return add_snapshots(survey, survey->snapshotters.items[i], &found, err);
	return 0;
}

static int sort(struct survey *survey, struct error *err)
{
	if (survey->count == 0)
		return 0;
	qsort(survey->snapshots, survey->count, sizeof(*survey->snapshots), compare_owners);
	survey->by_parent = calloc(survey->count, sizeof(*survey->by_parent));
	if (!survey->by_parent)
		return error_memory(err);
	for (size_t i = 0; i < survey->count; i++)
		survey->by_parent[i] = &survey->snapshots[i];
	qsort(survey->by_parent, survey->count, sizeof(*survey->by_parent), compare_parents);
	return 0;
}

int survey_take(struct session *session, struct survey *survey, struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };

	survey->began_ns = clock_unix_ns();
	if (look_at_containers(session, survey, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++)
		if (look_at_snapshots(session, survey, snapshotters.items[i], err) < 0)
			return -1;
	return sort(survey, err);
}

const struct survey_snapshot *survey_of(const struct survey *survey, const char *container_id, size_t *count)
{
	size_t low = 0, high = survey->count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(survey->snapshots[middle].owner, container_id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < survey->count && strcmp(survey->snapshots[end].owner, container_id) == 0;)
		end++;
	*count = end - low;
	return survey->snapshots + low;
}

const struct survey_snapshot *const *survey_children(const struct survey *survey, const char *snapshotter,
						     const char *name, size_t *count)
{
	size_t low = 0, high = survey->count, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_to_parent(survey->by_parent[middle], snapshotter, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < survey->count && compare_to_parent(survey->by_parent[end], snapshotter, name) == 0;)
		end++;
	*count = end - low;
	return survey->by_parent + low;
}

void survey_release(struct survey *survey)
{
	for (size_t i = 0; i < survey->count; i++)
		ctr_snapshot_release(&survey->snapshots[i].info);
	free(survey->snapshots);
	free(survey->by_parent);
	names_set_release(&survey->containers);
	names_set_release(&survey->snapshotters);
	*survey = (struct survey){ 0 };
}
