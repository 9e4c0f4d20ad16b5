#include "command/log_history.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "compare/compare.h"
#include "workspace/chain.h"
#include "workspace/history.h"
#include "workspace/label_keys.h"
#include "workspace/lineage.h"

void log_history_release(struct log_history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		store_version_release(&history->versions[i].row);
		origin_release(&history->versions[i].origin);
	}
	free(history->versions);
	*history = (struct log_history){ .session = history->session };
}

static int add_version(const struct history_version *version, void *context, struct error *err)
{
	struct log_history *history = context;
	struct log_version *added;

	if (history->count == history->capacity) {
		size_t capacity = history->capacity ? history->capacity * 2 : 64;
		struct log_version *grown = reallocarray(history->versions, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		history->versions = grown;
		history->capacity = capacity;
	}
	added = &history->versions[history->count];
	*added = (struct log_version){ .current = version->current, .present = version->present };
	if (store_version_copy(version->row, &added->row, err) < 0)
		return -1;
	history->count++;
	return 0;
}

/* They come by number. */
static struct log_version *find(const struct log_history *history, int32_t version)
{
	size_t low = 0, high = history->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct log_version *found = &history->versions[middle];

		if (found->row.version == version)
			return found;
		if (found->row.version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int add_origin(int32_t version, const struct store_origin *told, void *context, struct error *err)
{
	struct log_version *made = find(context, version);

	return made ? origin_keep(told->by, told->host, told->note, &made->origin, err) : 0;
}

static int find_parents(struct log_history *history, const char *container_id, struct error *err)
{
	cleanup_lineage struct lineage lineage = { 0 };

	if (lineage_read(history->session, container_id, &lineage, err) < 0)
		return -1;
	for (size_t i = 0; i < history->count; i++) {
		struct log_version *version = &history->versions[i];
		const struct lineage_entry *entry = lineage_find(&lineage, version->row.runtime_name);
		struct lineage_entry *parent;
		int found = entry ? lineage_parent(&lineage, entry, &parent, err) : 0;

		if (found < 0)
			return -1;
		version->parent = version->joined_to = found ? parent->version : 0;
	}
	return 0;
}

int log_history_read(struct log_history *history, const struct target *target, struct error *err)
{
	if (history_versions_each(history->session, target, add_version, history, err) < 0 ||
	    find_parents(history, target->container_id, err) < 0)
		return -1;
	return history_origins_each(history->session, target->container_id, add_origin, history, err);
}

static bool is_of(const struct ctr_snapshot *snapshot, const char *container_id)
{
	const char *owner = labels_get(&snapshot->labels, LABEL_CONTAINER);

	return owner && strcmp(owner, container_id) == 0;
}

/* What the whole history stands on: the image's own snapshot, or the one that a fork began with; the caller frees. Versions
 * that were given up in between are not it, whether their layers are there still or not. NULL: nothing. */
static int find_ground(struct log_history *history, const struct target *target, const struct store_version *row,
		       char **ground, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };
	const char *name = row->parent;
	size_t at = 0;

	if (chain_read(history->session, row->snapshotter, row->runtime_name, &chain, err) < 0)
		return -1;
	while (at < chain.snapshots.count && is_of(&chain.snapshots.items[at], target->container_id))
		at++;
	/* Another tool's snapshots do not say whose they are. */
	if (at > 0)
		name = at < chain.snapshots.count ? chain.snapshots.items[at].name : NULL;
	*ground = name ? strdup(name) : NULL;
	return name && !*ground ? error_memory(err) : 0;
}

static int compare_with(struct log_history *history, const struct target *target, struct log_version *version,
			const struct store_version *before, const char *path, struct error *err)
{
	struct comparison comparison = { .session = history->session };
	const struct compare_request request = {
		.target = target,
		.before = before->runtime_name ? before : NULL,
		.now = &version->row,
		.paths = &path,
		.path_count = path ? 1 : 0,
	};
	int done = compare_run(&comparison, &request, err);

	version->compared = done == 0;
	if (version->compared)
		version->sum = diff_sum_of(&comparison);
	comparison_release(&comparison);
	return done;
}

/* With what it came from. 0, also where something that it takes is not here, -1. */
static int compare(struct log_history *history, const struct target *target, struct log_version *version,
		   const char *path, struct error *err)
{
	const struct log_version *parent = version->parent ? find(history, version->parent) : NULL;
	struct store_version ground = { .snapshotter = version->row.snapshotter };
	int done = 0;

	if (version->present && !parent)
		done = find_ground(history, target, &version->row, &ground.runtime_name, err);
	if (version->present && done == 0)
		done = compare_with(history, target, version, parent ? &parent->row : &ground, path, err);
	free(ground.runtime_name);
	if (done == 0 || err->kind != ERROR_NOT_FOUND)
		return done < 0 ? -1 : 0;
	log_detail("version %d is not compared: %s", version->row.version, err->message);
	error_clear(err);
	return 0;
}

/* The nearest ancestor that is shown. */
static int32_t find_shown(const struct log_history *history, int32_t version)
{
	const struct log_version *at = version ? find(history, version) : NULL;

	while (at && at->left_out)
		at = at->parent ? find(history, at->parent) : NULL;
	return at ? at->row.version : 0;
}

int log_history_compare(struct log_history *history, const struct target *target, const char *path, struct error *err)
{
	for (size_t i = 0; i < history->count; i++) {
		struct log_version *version = &history->versions[i];
		const struct diff_sum *sum = &version->sum;

		if (compare(history, target, version, path, err) < 0)
			return -1;
		version->left_out = path && !(version->compared && sum->added + sum->modified + sum->deleted > 0);
	}
	for (size_t i = 0; i < history->count; i++)
		history->versions[i].joined_to = find_shown(history, history->versions[i].parent);
	return 0;
}
