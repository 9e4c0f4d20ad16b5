#include "operation/plan_chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

/* Layers that a workspace stands on after a merge of all: the merged one and the newest. */
#define DEPTH_AFTER_MERGE 2

/* Earlier merged layers that are left as they are, so that what is in them is not copied each time: one for so many
 * layers of the limit. */
#define LAYERS_FOR_A_REST 8

/* How many layers of ours the active snapshot stands on, as its label says; -1: it does not say. */
static int labelled_depth(const struct ctr_snapshot *active)
{
	const char *label = labels_get(&active->labels, LABEL_DEPTH);

	return label && text_is_digits(label) && strlen(label) < 5 ? atoi(label) : -1;
}

static bool is_kind(const struct ctr_snapshot *snapshot, const char *kind)
{
	const char *label = labels_get(&snapshot->labels, LABEL_KIND);

	return label && strcmp(label, kind) == 0;
}

/* A merged layer whose files are hard links to those of other layers, as earlier builds made them: that shows inside. */
static bool has_shared_files(const struct ctr_snapshot *snapshot)
{
	return is_kind(snapshot, KIND_MERGED) && !labels_get(&snapshot->labels, LABEL_OWN_FILES);
}

static bool is_sound_merge(const struct ctr_snapshot *snapshot)
{
	return is_kind(snapshot, KIND_MERGED) && !has_shared_files(snapshot);
}

/* How many of the chain's layers, the lowest above the image's, may stay under a merge: all of them merged ones. */
static size_t count_rest(const struct chain *chain, int limit)
{
	size_t rest = 0;

	while (rest < chain->above_image && is_sound_merge(&chain->snapshots.items[chain->above_image - rest]))
		rest++;
	return rest > (size_t)limit / LAYERS_FOR_A_REST ? 0 : rest;
}

/* The merged layer shows the same tree as the snapshot under the active one. Where that is itself a merged layer,
 * which will go, it is named by what that one shows. */
static int name_shown(const struct ctr_snapshot *parent, struct record *record, struct error *err)
{
	const char *shows = is_kind(parent, KIND_MERGED) ? snapshot_labels_shows(parent) : parent->name;

	record->merged_shows = *shows ? strdup(shows) : NULL;
	return *shows && !record->merged_shows ? error_memory(err) : 0;
}

static int name_merge(const struct chain *chain, size_t rest, struct record *record, struct error *err)
{
	size_t count = chain->above_image - rest;

	record->merge_count = (int)count;
	record->merge_base = strdup(chain->snapshots.items[count].parent);
	record->merged = text_format("%s-merged-%lld", record->container_id, (long long)record->created_ns);
	record->depth = (int)rest + (record->kind == OPERATION_COMPACT ? 1 : DEPTH_AFTER_MERGE);
	if (!record->merge_base || !record->merged)
		return error_memory(err);
	return name_shown(&chain->snapshots.items[1], record, err);
}

static int refuse_depth(const struct record *record, size_t layers, struct error *err)
{
	error_set(err, ERROR_REFUSED,
		  "'%s' stands on %zu layers, of which overlayfs takes at most 500, and merging its own does not help",
		  record->container_id, layers);
	return error_hint(err, "rebuild its image with fewer layers; the workspace runs on as it is");
}

/* Another merge would change nothing. */
static bool is_merged_already(const struct chain *chain)
{
	if (chain->above_image == 0)
		return true;
	return chain->above_image == 1 && !has_shared_files(&chain->snapshots.items[1]);
}

bool plan_chain_is_due(const struct ctr_snapshot *active, size_t below, int limit)
{
	int depth = labelled_depth(active);

	return depth < 0 || depth + 1 >= limit || below >= CHAIN_MAX_LAYERS;
}

int plan_chain_decide(const struct chain *chain, bool at_once, int limit, struct record *record, struct error *err)
{
	size_t image_layers = chain->snapshots.count - 1 - chain->above_image;

	record->depth = (int)chain->above_image + 1;
	if (image_layers + DEPTH_AFTER_MERGE >= CHAIN_MAX_LAYERS)
		return refuse_depth(record, chain->snapshots.count - 1, err);
	if (at_once)
		return is_merged_already(chain) ? 0 : name_merge(chain, 0, record, err);
	if (chain->above_image < DEPTH_AFTER_MERGE ||
	    (record->depth < limit && chain->snapshots.count < CHAIN_MAX_LAYERS))
		return 0;
	return name_merge(chain, count_rest(chain, limit), record, err);
}

int plan_chain(struct session *session, const struct ctr_snapshot *active, const struct location *location,
	       bool at_once, struct record *record, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };
	int limit = session->settings->max_depth;

	record->depth = labelled_depth(active) + 1;
	if (!location->stacks || (!at_once && !plan_chain_is_due(active, location->below.count, limit)))
		return 0;
	if (chain_read(session, record->snapshotter, record->old_active, &chain, err) < 0)
		return -1;
	return plan_chain_decide(&chain, at_once, limit, record, err);
}

int plan_chain_decide_back(const struct chain *chain, struct record *record, struct error *err)
{
	record->depth = (int)chain->above_image + 1;
	if (chain->snapshots.count < CHAIN_KERNEL_LIMIT)
		return 0;
	error_set(err, ERROR_REFUSED, "version %d of '%s' stands on %zu layers, of which overlayfs takes less than %d",
		  record->rollback_to, record->container_id, chain->snapshots.count, CHAIN_KERNEL_LIMIT);
	return error_hint(err,
			  "'%s' runs on as it is; later versions, taken after its layers were merged, can be "
			  "brought back",
			  record->container_id);
}

int plan_chain_back(struct session *session, const struct location *location, struct record *record, struct error *err)
{
	cleanup_chain struct chain chain = { 0 };

	if (!location->stacks)
		return 0;
	if (chain_read(session, record->snapshotter, record->rollback_name, &chain, err) < 0)
		return -1;
	return plan_chain_decide_back(&chain, record, err);
}
