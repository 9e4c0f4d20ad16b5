/* The snapshots of a workspace, told with what the rows know of them. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "workspace/chain.h"
#include "workspace/history.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

/* What a row says of its snapshot. */
struct known_snapshot {
	char *runtime_name;
	char *display_name;
	char *source;
	int32_t version;
};

struct known_snapshots {
	struct known_snapshot *items;
	size_t count, capacity;
};

static void known_release(struct known_snapshots *known)
{
	for (size_t i = 0; i < known->count; i++) {
		free(known->items[i].runtime_name);
		free(known->items[i].display_name);
		free(known->items[i].source);
	}
	free(known->items);
}

static int remember(const struct store_version *row, void *context, struct error *err)
{
	struct known_snapshots *known = context;
	struct known_snapshot *one;

	if (known->count == known->capacity) {
		size_t capacity = known->capacity ? known->capacity * 2 : 64;
		struct known_snapshot *grown = reallocarray(known->items, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		known->items = grown;
		known->capacity = capacity;
	}
	one = &known->items[known->count++];
	*one = (struct known_snapshot){
		.runtime_name = strdup(row->runtime_name),
		.display_name = row->display_name ? strdup(row->display_name) : NULL,
		.source = strdup(row->source),
		.version = row->version,
	};
	if (!one->runtime_name || !one->source || (row->display_name && !one->display_name))
		return error_memory(err);
	return 0;
}

static int compare_known(const void *a, const void *b)
{
	const struct known_snapshot *left = a, *right = b;
	int order = strcmp(left->runtime_name, right->runtime_name);

	return order ? order : (left->version > right->version) - (left->version < right->version);
}

static const struct known_snapshot *find_known(const struct known_snapshots *known, const char *runtime_name)
{
	size_t low = 0, high = known->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(runtime_name, known->items[middle].runtime_name);

		if (order == 0)
			return &known->items[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct snapshots_walk {
	const struct known_snapshots *known;
	history_snapshot_each each;
	void *context;
};

/* The number in the label wsnap.version; 0 when there is none. */
static int32_t label_version(const struct ctr_snapshot *snapshot)
{
	const char *text = labels_get(&snapshot->labels, LABEL_VERSION);
	long number;

	if (!text || !text_is_digits(text) || strlen(text) > 10)
		return 0;
	number = strtol(text, NULL, 10);
	return number > INT32_MAX ? 0 : (int32_t)number;
}

/* A snapshot that no row knows: from its labels. */
static void describe_unknown(struct history_snapshot *described)
{
	const struct ctr_snapshot *snapshot = described->snapshot;
	const char *source = labels_get(&snapshot->labels, LABEL_SOURCE);

	described->source = labels_get(&snapshot->labels, LABEL_KIND);
	if (described->source && strcmp(described->source, KIND_VERSION) == 0) {
		described->source = source ? source : KIND_VERSION;
		described->display_name = labels_get(&snapshot->labels, LABEL_NAME);
		described->version = label_version(snapshot);
	}
	if (!described->source)
		described->source = snapshot->kind == CTR_SNAPSHOT_COMMITTED ? "image_layer" : KIND_ACTIVE;
}

static int pass_snapshot(const struct snapshots_walk *walk, const struct ctr_snapshot *snapshot, struct error *err)
{
	const struct known_snapshot *known = find_known(walk->known, snapshot->name);
	struct history_snapshot described = {
		.snapshot = snapshot,
		.managed = known || labels_get(&snapshot->labels, LABEL_KIND),
	};

	if (known) {
		described.source = known->source;
		described.display_name = known->display_name;
		described.version = known->version;
	} else {
		describe_unknown(&described);
	}
	return walk->each(&described, walk->context, err);
}

static bool chain_has(const struct chain *chain, const char *name)
{
	for (size_t i = 0; i < chain->snapshots.count; i++)
		if (strcmp(chain->snapshots.items[i].name, name) == 0)
			return true;
	return false;
}

/* Those of ours that the chain does not hold, by their labels. */
static int pass_others(struct session *session, const struct target *target, const struct chain *chain,
		       const struct snapshots_walk *walk, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots ours = { 0 };
	cleanup_free char *filter = text_format("labels.\"%s\"==\"%s\"", LABEL_CONTAINER, target->container_id);

	if (!filter)
		return error_memory(err);
	if (snapshotters_list(session, target->container.snapshotter, filter, &ours, err) < 0)
		return -1;
	for (size_t i = 0; i < ours.count; i++) {
		/* A writable layer outside the chain belongs to no container any more and waits to be collected. */
		if (ours.items[i].kind != CTR_SNAPSHOT_COMMITTED || chain_has(chain, ours.items[i].name))
			continue;
		if (pass_snapshot(walk, &ours.items[i], err) < 0)
			return -1;
	}
	return 0;
}

/* Passes the snapshots of the chain, then our others. */
static int pass_all(struct session *session, const struct target *target, const struct chain *chain,
		    const struct snapshots_walk *walk, struct error *err)
{
	for (size_t i = 0; i < chain->snapshots.count; i++)
		if (pass_snapshot(walk, &chain->snapshots.items[i], err) < 0)
			return -1;
	return pass_others(session, target, chain, walk, err);
}

int history_snapshots_each(struct session *session, const struct target *target, history_snapshot_each each,
			   void *context, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };
	struct known_snapshots known = { 0 };
	const struct snapshots_walk walk = { .known = &known, .each = each, .context = context };
	int result = 0;

	if (session->store)
		result = store_versions_each(session->store, target->container_id, remember, &known, err);
	if (result == 0 && known.count)
		qsort(known.items, known.count, sizeof(*known.items), compare_known);
	if (result == 0)
		result =
			chain_read(session, target->container.snapshotter, target->container.snapshot_key, &chain, err);
	if (result == 0)
		result = pass_all(session, target, &chain, &walk, err);
	known_release(&known);
	return result;
}
