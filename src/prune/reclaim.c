#include "prune/reclaim.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"

#define LEASE_PREFIX "wsnap-collect-"
/* Should this run die between the lease's creation and its deletion, containerd drops it after this. */
#define COLLECT_LEASE_NS ((int64_t)600 * 1000000000)

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct ctr_snapshot *)a)->name, ((const struct ctr_snapshot *)b)->name);
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

/* Marks what a snapshot stands on. The list is sorted by name. */
static void mark_parents(const struct ctr_snapshots *all, const struct ctr_snapshot *from, bool *stays)
{
	const struct ctr_snapshot *at = from;

	while (at && !stays[at - all->items]) {
		const struct ctr_snapshot wanted = { .name = at->parent };

		stays[at - all->items] = true;
		at = *at->parent ? bsearch(&wanted, all->items, all->count, sizeof(*all->items), compare_names) : NULL;
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

int reclaim_foresee(struct session *session, const char *snapshotter, const struct reclaim_owner *of,
		    const struct names_set *given_up, struct reclaim *reclaim, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots all = { 0 };
	cleanup_free bool *stays = NULL;

	if (ctr_snapshot_list(session->ctr, snapshotter, NULL, &all, err) < 0)
		return -1;
	stays = calloc(all.count + 1, sizeof(*stays));
	if (!stays)
		return error_memory(err);
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_names);
	for (size_t i = 0; i < all.count; i++)
		if (!may_go(&all.items[i], of, given_up))
			mark_parents(&all, &all.items[i], stays);
	for (size_t i = 0; i < all.count; i++)
		if (!stays[i] && all.items[i].kind == CTR_SNAPSHOT_COMMITTED &&
		    add_layer(snapshotter, all.items[i].name, reclaim, err) < 0)
			return -1;
	return 0;
}

int reclaim_collect(struct session *session, struct error *err)
{
	cleanup_free char *lease = NULL;
	char id[ID_SIZE];

	id_random(id);
	lease = text_format(LEASE_PREFIX "%s", id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(session->ctr, lease, clock_unix_ns() + COLLECT_LEASE_NS, NULL, err) < 0)
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
	}
	free(reclaim->layers);
	*reclaim = (struct reclaim){ 0 };
}
