#include "compare/held.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "workspace/snapshotter_traits.h"

#define LEASE_NS ((int64_t)3600 * 1000000000)

static int begin(struct held *held, struct error *err)
{
	char id[ID_SIZE];

	if (held->lease)
		return 0;
	id_random(id);
	held->lease = text_format("wsnap-look-%s", id);
	if (!held->lease)
		return error_memory(err);
	return ctr_lease_create(held->session->ctr, held->lease, LEASE_NS, NULL, err);
}

static int keep_view(struct held *held, const char *snapshotter, const char *key, struct error *err)
{
	struct held_view *grown = reallocarray(held->views, held->count + 1, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	held->views = grown;
	held->views[held->count] = (struct held_view){ .snapshotter = strdup(snapshotter), .key = strdup(key) };
	held->count++;
	return grown[held->count - 1].snapshotter && grown[held->count - 1].key ? 0 : error_memory(err);
}

int held_view(struct held *held, const char *snapshotter, const char *name, struct ctr_mounts *mounts,
	      struct error *err)
{
	cleanup_free char *key = NULL;
	struct error ignored = { 0 };
	int made;

	if (begin(held, err) < 0)
		return -1;
	key = text_format("%s-%zu", held->lease, held->count);
	if (!key)
		return error_memory(err);
	if (keep_view(held, snapshotter, key, err) < 0 || ctr_use_lease(held->session->ctr, held->lease, err) < 0)
		return -1;
	made = ctr_snapshot_view(held->session->ctr, snapshotter, key, name, mounts, err);
	if (ctr_use_lease(held->session->ctr, NULL, &ignored) < 0)
		log_detail("%s", ignored.message);
	return made;
}

int held_keep(struct held *held, const char *snapshotter, const char *name, struct error *err)
{
	if (begin(held, err) < 0)
		return -1;
	return ctr_lease_add_snapshot(held->session->ctr, held->lease, snapshotter, name, err);
}

static const struct layer_paths *find_known(const struct held *held, const char *snapshotter, const char *name)
{
	for (size_t i = 0; i < held->chain_count; i++)
		if (strcmp(held->chains[i].name, name) == 0 && strcmp(held->chains[i].snapshotter, snapshotter) == 0)
			return &held->chains[i].layers;
	return NULL;
}

int held_know(struct held *held, const char *snapshotter, const char *name, const struct ctr_mounts *mounts,
	      struct error *err)
{
	struct held_chain *grown, *chain;

	if (find_known(held, snapshotter, name))
		return 0;
	grown = reallocarray(held->chains, held->chain_count + 1, sizeof(*grown));
	if (!grown)
		return error_memory(err);
	held->chains = grown;
	chain = &grown[held->chain_count++];
	*chain = (struct held_chain){ .snapshotter = strdup(snapshotter), .name = strdup(name) };
	if (!chain->snapshotter || !chain->name)
		return error_memory(err);
	return snapshotter_mount_layers(mounts, &chain->layers, err);
}

const struct layer_paths *held_layers(struct held *held, const char *snapshotter, const char *name, struct error *err)
{
	const struct layer_paths *known = find_known(held, snapshotter, name);
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	if (known)
		return known;
	if (held_view(held, snapshotter, name, &mounts, err) < 0 ||
	    held_know(held, snapshotter, name, &mounts, err) < 0)
		return NULL;
	return find_known(held, snapshotter, name);
}

void held_release(struct held *held)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < held->count; i++) {
		struct held_view *view = &held->views[i];

		if (view->snapshotter && view->key &&
		    ctr_snapshot_remove(held->session->ctr, view->snapshotter, view->key, &ignored) < 0)
			log_detail("%s", ignored.message);
		free(view->snapshotter);
		free(view->key);
	}
	if (held->lease && ctr_lease_delete(held->session->ctr, held->lease, false, &ignored) < 0)
		log_detail("%s", ignored.message);
	for (size_t i = 0; i < held->chain_count; i++) {
		free(held->chains[i].snapshotter);
		free(held->chains[i].name);
		layer_paths_free(&held->chains[i].layers);
	}
	free(held->chains);
	free(held->views);
	free(held->lease);
	*held = (struct held){ .session = held->session };
}
