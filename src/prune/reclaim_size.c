/* What goes with the layers that nothing needs any more. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "prune/reclaim.h"
#include "workspace/chain.h"
#include "workspace/snapshotter_traits.h"

/* Should this run die, containerd drops its views after this. */
#define LEASE_NS ((int64_t)3600 * 1000000000)

static struct reclaim_layer *find(struct reclaim *reclaim, const char *snapshotter, const char *name)
{
	for (size_t i = 0; i < reclaim->count; i++)
		if (strcmp(reclaim->layers[i].name, name) == 0 &&
		    strcmp(reclaim->layers[i].snapshotter, snapshotter) == 0)
			return &reclaim->layers[i];
	return NULL;
}

static int keep_path(struct reclaim_layer *layer, const char *path, struct error *err)
{
	if (!layer || layer->path)
		return 0;
	layer->path = strdup(path);
	return layer->path ? 0 : error_memory(err);
}

/* The folders of a view are those of its chain, in the same order; of a chain of one layer there is no overlay. */
static int keep_paths(struct session *session, struct reclaim *reclaim, const struct reclaim_layer *top,
		      const struct ctr_mount *mount, struct error *err)
{
	const char *lower = ctr_mount_option(mount, "lowerdir"), *snapshotter = top->snapshotter;
	cleanup_layer_paths struct layer_paths paths = { 0 };
	cleanup_chain struct chain chain = { 0 };

	if (!lower)
		return keep_path(find(reclaim, snapshotter, top->name), mount->source, err);
	if (layer_paths_parse(lower, &paths, err) < 0 || chain_read(session, snapshotter, top->name, &chain, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.count && i < chain.snapshots.count; i++)
		if (keep_path(find(reclaim, snapshotter, chain.snapshots.items[i].name), paths.items[i], err) < 0)
			return -1;
	return 0;
}

/* A layer that has gone meanwhile is passed over. */
static int look_at(struct session *session, struct reclaim *reclaim, const struct reclaim_layer *top, const char *view,
		   struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	int kept = 0;

	if (ctr_snapshot_view(session->ctr, top->snapshotter, view, top->name, &mounts, err) < 0) {
		return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
	}
	if (mounts.count == 1)
		kept = keep_paths(session, reclaim, top, &mounts.items[0], err);
	if (ctr_snapshot_remove(session->ctr, top->snapshotter, view, kept < 0 ? &(struct error){ 0 } : err) < 0)
		return -1;
	return kept;
}

static bool has_folders(const struct reclaim_layer *layer)
{
	return snapshotter_known(layer->snapshotter)->folders_are_all;
}

/* The newest come last by name, and their chains show many others. */
static int find_paths(struct session *session, struct reclaim *reclaim, const char *lease, struct error *err)
{
	for (size_t i = reclaim->count; i-- > 0;) {
		const struct reclaim_layer *layer = &reclaim->layers[i];
		cleanup_free char *view = text_format("%s-%zu", lease, i);

		if (!view)
			return error_memory(err);
		if (snapshotter_known(layer->snapshotter)->views_show_folders && !layer->path &&
		    look_at(session, reclaim, layer, view, err) < 0)
			return -1;
	}
	return 0;
}

static int find_paths_leased(struct session *session, struct reclaim *reclaim, struct error *err)
{
	struct error ignored = { 0 };
	cleanup_free char *lease = NULL;
	char id[ID_SIZE];
	int found;

	id_random(id);
	lease = text_format("wsnap-collect-%s", id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(session->ctr, lease, LEASE_NS, NULL, err) < 0 ||
	    ctr_use_lease(session->ctr, lease, err) < 0)
		return -1;
	found = find_paths(session, reclaim, lease, err);
	if (ctr_use_lease(session->ctr, NULL, &ignored) < 0 ||
	    ctr_lease_delete(session->ctr, lease, false, &ignored) < 0)
		log_detail("%s", ignored.message);
	return found;
}

static int ask_size(struct session *session, struct reclaim_layer *layer, struct error *err)
{
	int64_t inodes;

	if (ctr_snapshot_usage(session->ctr, layer->snapshotter, layer->name, &layer->bytes, &inodes, err) == 0)
		return 0;
	/* A collection that was under way may just have taken it. */
	return ctr_forgive(session->ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}

static int measure_folders(struct reclaim *reclaim, struct error *err)
{
	cleanup_free const char **paths = calloc(reclaim->count, sizeof(*paths));
	cleanup_free int64_t *bytes = calloc(reclaim->count, sizeof(*bytes));

	if (!paths || !bytes)
		return error_memory(err);
	for (size_t i = 0; i < reclaim->count; i++)
		paths[i] = has_folders(&reclaim->layers[i]) ? reclaim->layers[i].path : NULL;
	if (layer_exclusive(paths, reclaim->count, bytes, err) < 0)
		return -1;
	for (size_t i = 0; i < reclaim->count; i++)
		reclaim->layers[i].bytes = bytes[i];
	return 0;
}

int reclaim_size(struct session *session, struct reclaim *reclaim, struct error *err)
{
	if (reclaim->count == 0)
		return 0;
	if (find_paths_leased(session, reclaim, err) < 0 || measure_folders(reclaim, err) < 0)
		return -1;
	for (size_t i = 0; i < reclaim->count; i++)
		if (!has_folders(&reclaim->layers[i]) && ask_size(session, &reclaim->layers[i], err) < 0)
			return -1;
	return 0;
}

/* --- what was to go and is still on the disk ---------------------------------------------------------- */

/* A snapshotter moves what it removes out of the way first: "snapshots/12" becomes "snapshots/rm-12". The layer's own
 * folder is that, or "fs" in it. The caller frees; NULL: nothing is left, or with an error no memory. */
static char *find_remains(const char *path, struct error *err)
{
	const char *end = path + strlen(path), *slash = strrchr(path, '/');
	cleanup_free char *folder = NULL, *moved = NULL;

	if (slash && strcmp(slash, "/fs") == 0)
		end = slash;
	folder = strndup(path, (size_t)(end - path));
	slash = folder ? strrchr(folder, '/') : NULL;
	if (slash)
		moved = text_format("%.*s/rm-%s", (int)(slash - folder), folder, slash + 1);
	if (!folder || (slash && !moved)) {
		error_memory(err);
		return NULL;
	}
	if (moved && access(moved, F_OK) == 0)
		return steal_pointer(moved);
	return access(folder, F_OK) == 0 ? steal_pointer(folder) : NULL;
}

int reclaim_look_after(struct reclaim_layer *layer, struct error *err)
{
	int64_t bytes = 0;
	const char *left;

	if (!layer->gone || !layer->path)
		return 0;
	layer->left = find_remains(layer->path, err);
	left = layer->left;
	if (!left)
		return err->kind == ERROR_NONE ? 0 : -1;
	if (layer_exclusive(&left, 1, &bytes, err) < 0)
		return -1;
	layer->bytes = layer->bytes > bytes ? layer->bytes - bytes : 0;
	return 0;
}
