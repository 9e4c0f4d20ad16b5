#include "prune/reclaim.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"
#include "workspace/survey.h"

#define LEASE_PREFIX "wsnap-collect-"
/* Should this run die between the lease's creation and its deletion, containerd drops it after this. */
#define COLLECT_LEASE_NS ((int64_t)600 * 1000000000)

static int compare_names(const void *a, const void *b)
{
	const struct ctr_snapshot *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* A snapshot that is there for what stands on it alone, or an active one that an operation has left behind: it waits
 * for its collection. (No operation is open: the workspace's lock is held.) */
static bool may_go(const struct ctr_snapshot *snapshot, const struct reclaim_owner *of,
		   const struct names_set *given_up)
{
	const char *container_id = of->container_id;
	const char *owner = labels_get(&snapshot->labels, LABEL_CONTAINER);

	if (snapshot->kind == CTR_SNAPSHOT_ACTIVE && of->snapshot_key && strcmp(snapshot->name, of->snapshot_key) == 0)
		return false;
	if (snapshot->kind == CTR_SNAPSHOT_VIEW)
		return false;
	if (names_set_has(given_up, snapshot->name))
		return true;
	return owner && strcmp(owner, container_id) == 0 && !labels_get(&snapshot->labels, LABEL_GC_ROOT);
}

/* Those that are looked at, of one snapshotter. */
struct family {
	const struct ctr_snapshot **items; /* by name */
	size_t count, capacity;
};

static int family_add(struct family *family, const struct ctr_snapshot *snapshot, struct error *err)
{
	if (family->count == family->capacity) {
		size_t capacity = family->capacity ? family->capacity * 2 : 64;
		const struct ctr_snapshot **grown = reallocarray(family->items, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		family->items = grown;
		family->capacity = capacity;
	}
	family->items[family->count++] = snapshot;
	return 0;
}

static void family_sort(struct family *family)
{
	if (family->count)
		qsort(family->items, family->count, sizeof(*family->items), compare_names);
}

/* Marks what a snapshot stands on. */
static void mark_parents(const struct family *family, size_t from, bool *stays)
{
	const struct ctr_snapshot **at = &family->items[from];

	while (at && !stays[at - family->items]) {
		const struct ctr_snapshot wanted = { .name = (*at)->parent }, *key = &wanted;

		stays[at - family->items] = true;
		at = *wanted.name ? bsearch(&key, family->items, family->count, sizeof(*family->items), compare_names)
				  : NULL;
	}
}

static int add_layer(const char *snapshotter, const char *name, struct reclaim *reclaim, struct error *err)
{
	struct reclaim_layer *layer;

	if (reclaim->count == reclaim->capacity) {
		size_t capacity = reclaim->capacity ? reclaim->capacity * 2 : 64;
		struct reclaim_layer *grown = reallocarray(reclaim->layers, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		reclaim->layers = grown;
		reclaim->capacity = capacity;
	}
	layer = &reclaim->layers[reclaim->count++];
	*layer = (struct reclaim_layer){ .snapshotter = strdup(snapshotter), .name = strdup(name) };
	return layer->snapshotter && layer->name ? 0 : error_memory(err);
}

static int foresee(const struct family *family, const char *snapshotter, const struct reclaim_owner *of,
		   const struct names_set *given_up, struct reclaim *reclaim, struct error *err)
{
	cleanup_free bool *stays = calloc(family->count + 1, sizeof(*stays));

	if (!stays)
		return error_memory(err);
	for (size_t i = 0; i < family->count; i++)
		if (!may_go(family->items[i], of, given_up))
			mark_parents(family, i, stays);
	for (size_t i = 0; i < family->count; i++)
		if (!stays[i] && family->items[i]->kind == CTR_SNAPSHOT_COMMITTED &&
		    add_layer(snapshotter, family->items[i]->name, reclaim, err) < 0)
			return -1;
	return 0;
}

/* A family out of a survey: each snapshot once. */
struct gathering {
	const struct survey *survey;
	const char *snapshotter;
	const struct survey_snapshot **found; /* those of the family */
	size_t count;
	bool *seen; /* one for each snapshot of the survey */
};

static void gather(struct gathering *gathering, const struct survey_snapshot *one)
{
	size_t at = (size_t)(one - gathering->survey->snapshots);

	if (gathering->seen[at] || strcmp(one->snapshotter, gathering->snapshotter) != 0)
		return;
	gathering->seen[at] = true;
	gathering->found[gathering->count++] = one;
}

/* The workspace's own snapshots, and those in `given_up` that bear no owner's label. */
static void gather_own(struct gathering *gathering, const char *container_id, const struct names_set *given_up)
{
	const struct survey_snapshot *one;
	size_t count;

	one = survey_of(gathering->survey, container_id, &count);
	for (size_t i = 0; i < count; i++)
		gather(gathering, &one[i]);
	one = survey_of(gathering->survey, "", &count);
	for (size_t i = 0; i < count; i++)
		if (names_set_has(given_up, one[i].info.name))
			gather(gathering, &one[i]);
}

/* A snapshot that stands on one of them may keep it: adds these too. */
static void gather_children(struct gathering *gathering)
{
	for (size_t from = 0; from < gathering->count; from++) {
		size_t count;
		const struct survey_snapshot *const *child = survey_children(gathering->survey, gathering->snapshotter,
									     gathering->found[from]->info.name, &count);

		for (size_t i = 0; i < count; i++)
			gather(gathering, child[i]);
	}
}

static int find_surveyed(const struct survey *survey, const char *snapshotter, const char *container_id,
			 const struct names_set *given_up, struct family *family, struct error *err)
{
	cleanup_free const struct survey_snapshot **found = calloc(survey->count + 1, sizeof(*found));
	cleanup_free bool *seen = calloc(survey->count + 1, sizeof(*seen));
	struct gathering gathering = { .survey = survey, .snapshotter = snapshotter, .found = found, .seen = seen };

	if (!found || !seen)
		return error_memory(err);
	gather_own(&gathering, container_id, given_up);
	gather_children(&gathering);
	for (size_t i = 0; i < gathering.count; i++)
		if (family_add(family, &found[i]->info, err) < 0)
			return -1;
	return 0;
}

static int find_listed(const struct ctr_snapshots *all, struct family *family, struct error *err)
{
	for (size_t i = 0; i < all->count; i++)
		if (family_add(family, &all->items[i], err) < 0)
			return -1;
	return 0;
}

int reclaim_foresee(struct session *session, const char *snapshotter, const struct reclaim_owner *of,
		    const struct names_set *given_up, struct reclaim *reclaim, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots all = { 0 };
	struct family family = { 0 };
	int result;

	if (session->survey)
		result = find_surveyed(session->survey, snapshotter, of->container_id, given_up, &family, err);
	else if ((result = ctr_snapshot_list(session->ctr, snapshotter, NULL, &all, err)) == 0)
		result = find_listed(&all, &family, err);
	family_sort(&family);
	if (result == 0)
		result = foresee(&family, snapshotter, of, given_up, reclaim, err);
	free(family.items);
	return result;
}

int reclaim_collect(struct session *session, struct error *err)
{
	cleanup_free char *lease = NULL;
	char id[ID_SIZE];

	id_random(id);
	lease = text_format(LEASE_PREFIX "%s", id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(session->ctr, lease, COLLECT_LEASE_NS, NULL, err) < 0)
		return -1;
	return ctr_lease_delete(session->ctr, lease, true, err);
}

int reclaim_tidy(struct session *session, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };

	if (ctr_lease_list(session->ctr, NULL, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++)
		if (text_starts_with(leases.items[i].id, LEASE_PREFIX) &&
		    ctr_lease_delete(session->ctr, leases.items[i].id, false, err) < 0)
			return -1;
	return 0;
}

int reclaim_measure(struct session *session, struct reclaim *reclaim, struct error *err)
{
	for (size_t i = 0; i < reclaim->count; i++) {
		struct reclaim_layer *layer = &reclaim->layers[i];
		int found = ctr_snapshot_stat(session->ctr, layer->snapshotter, layer->name, NULL, err);

		if (found < 0)
			return -1;
		layer->gone = found == 0;
		if (reclaim_look_after(layer, err) < 0)
			return -1;
	}
	return 0;
}

const struct reclaim_layer *reclaim_find(const struct reclaim *reclaim, const char *name)
{
	for (size_t i = 0; i < reclaim->count; i++)
		if (strcmp(reclaim->layers[i].name, name) == 0)
			return &reclaim->layers[i];
	return NULL;
}

void reclaim_release(struct reclaim *reclaim)
{
	for (size_t i = 0; i < reclaim->count; i++) {
		free(reclaim->layers[i].snapshotter);
		free(reclaim->layers[i].name);
		free(reclaim->layers[i].path);
		free(reclaim->layers[i].left);
	}
	free(reclaim->layers);
	*reclaim = (struct reclaim){ 0 };
}
