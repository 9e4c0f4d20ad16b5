#include "workspace/lineage.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/snapshots.h"
#include "store/pruned.h"
#include "workspace/label_keys.h"

/* Values of `ancestor` that are no index into the entries. */
#define NOT_ASKED (-2)
#define NONE (-1)

static void entry_release(struct lineage_entry *entry)
{
	free(entry->runtime_name);
	free(entry->snapshotter);
	free(entry->parent_name);
}

void lineage_release(struct lineage *lineage)
{
	for (size_t i = 0; i < lineage->count; i++)
		entry_release(&lineage->entries[i]);
	free(lineage->entries);
	free(lineage->by_version);
	*lineage = (struct lineage){ 0 };
}

static struct lineage_entry *add_entry(struct lineage *lineage, int32_t version, const char *runtime_name,
				       struct error *err)
{
	struct lineage_entry *entry;

	if (lineage->count == lineage->capacity) {
		size_t capacity = lineage->capacity ? lineage->capacity * 2 : 64;
		struct lineage_entry *grown = reallocarray(lineage->entries, capacity, sizeof(*grown));

		if (!grown) {
			error_memory(err);
			return NULL;
		}
		lineage->entries = grown;
		lineage->capacity = capacity;
	}
	entry = &lineage->entries[lineage->count++];
	*entry = (struct lineage_entry){ .version = version,
					 .runtime_name = strdup(runtime_name),
					 .ancestor = NOT_ASKED };
	if (!entry->runtime_name)
		error_memory(err);
	return entry->runtime_name ? entry : NULL;
}

static int add_version(const struct store_version *row, void *context, struct error *err)
{
	struct lineage_entry *entry = add_entry(context, row->version, row->runtime_name, err);

	if (!entry)
		return -1;
	entry->snapshotter = strdup(row->snapshotter);
	entry->parent_name = row->parent ? strdup(row->parent) : NULL;
	return entry->snapshotter && (entry->parent_name || !row->parent) ? 0 : error_memory(err);
}

static int add_pruned(const struct store_pruned *pruned, void *context, struct error *err)
{
	struct lineage_entry *entry = add_entry(context, pruned->version, pruned->runtime_name, err);

	if (!entry)
		return -1;
	entry->parent_version = pruned->parent;
	entry->parent_known = pruned->parent_known;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct lineage_entry *left = a, *right = b;

	return strcmp(left->runtime_name, right->runtime_name);
}

static int compare_versions(const void *a, const void *b, void *context)
{
	const struct lineage_entry *entries = context;
	const struct lineage_entry *left = &entries[*(const size_t *)a], *right = &entries[*(const size_t *)b];

	return (left->version > right->version) - (left->version < right->version);
}

/* Of several with one name (versions of one snapshot, one that came back after it was given up) the lowest that is there
 * tells of it. */
static bool tells_more(const struct lineage_entry *one, const struct lineage_entry *other)
{
	if (!one->snapshotter != !other->snapshotter)
		return one->snapshotter;
	return one->snapshotter ? one->version < other->version : one->parent_known && !other->parent_known;
}

static void drop_doubles(struct lineage *lineage)
{
	size_t kept = 0;

	for (size_t i = 0; i < lineage->count; i++) {
		struct lineage_entry *last = kept ? &lineage->entries[kept - 1] : NULL, *next = &lineage->entries[i];

		if (!last || strcmp(last->runtime_name, next->runtime_name) != 0) {
			lineage->entries[kept++] = *next;
		} else if (tells_more(next, last)) {
			entry_release(last);
			*last = *next;
		} else {
			entry_release(next);
		}
	}
	lineage->count = kept;
}

int lineage_read(struct session *session, const char *container_id, struct lineage *lineage, struct error *err)
{
	*lineage = (struct lineage){ .session = session };
	if (store_versions_each(session->store, container_id, add_version, lineage, err) < 0 ||
	    store_pruned_list(session->store, container_id, add_pruned, lineage, err) < 0)
		return -1;
	if (lineage->count)
		qsort(lineage->entries, lineage->count, sizeof(*lineage->entries), compare_entries);
	drop_doubles(lineage);
	lineage->by_version = calloc(lineage->count + 1, sizeof(*lineage->by_version));
	if (!lineage->by_version)
		return error_memory(err);
	for (size_t i = 0; i < lineage->count; i++)
		lineage->by_version[i] = i;
	qsort_r(lineage->by_version, lineage->count, sizeof(*lineage->by_version), compare_versions, lineage->entries);
	return 0;
}

struct lineage_entry *lineage_find(const struct lineage *lineage, const char *runtime_name)
{
	size_t low = 0, high = lineage->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(lineage->entries[middle].runtime_name, runtime_name);

		if (order == 0)
			return &lineage->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct lineage_entry *find_version(const struct lineage *lineage, int32_t version)
{
	size_t low = 0, high = lineage->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct lineage_entry *entry = &lineage->entries[lineage->by_version[middle]];

		if (entry->version == version)
			return entry;
		if (entry->version < version)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* By the label of a snapshot that was given up: it is there as long as another snapshot stands on it. */
static int ask_label(struct lineage *lineage, const char *snapshotter, struct lineage_entry *entry, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = ctr_snapshot_stat(lineage->session->ctr, snapshotter, entry->runtime_name, &snapshot, err);
	const char *label = found > 0 ? labels_get(&snapshot.labels, LABEL_PARENT) : NULL;

	if (found < 0 && err->kind == ERROR_CONTAINERD)
		return -1;
	error_clear(err);
	entry->parent_known = true;
	entry->parent_name = label ? strdup(label) : NULL;
	return label && !entry->parent_name ? error_memory(err) : 0;
}

/* One step down, whether that is still there or not. A parent is always older: nothing goes round in circles. */
static int step_down(struct lineage *lineage, const char *snapshotter, struct lineage_entry *entry,
		     struct lineage_entry **parent, struct error *err)
{
	*parent = NULL;
	if (!entry->snapshotter && !entry->parent_known && ask_label(lineage, snapshotter, entry, err) < 0)
		return -1;
	if (entry->parent_name)
		*parent = lineage_find(lineage, entry->parent_name);
	else if (entry->parent_version)
		*parent = find_version(lineage, entry->parent_version);
	if (*parent && (*parent)->version >= entry->version)
		*parent = NULL;
	return 0;
}

/* Every entry that was passed on the way remembers the answer. */
static void remember(struct lineage *lineage, struct lineage_entry *from, ssize_t ancestor)
{
	while (from && !from->snapshotter && from->ancestor == NOT_ASKED) {
		struct error ignored = { 0 };
		struct lineage_entry *next;

		from->ancestor = ancestor;
		if (step_down(lineage, "", from, &next, &ignored) < 0)
			return;
		from = next;
	}
}

int lineage_parent(struct lineage *lineage, const struct lineage_entry *entry, struct lineage_entry **parent,
		   struct error *err)
{
	struct lineage_entry *at = &lineage->entries[entry - lineage->entries], *first;

	if (step_down(lineage, entry->snapshotter, at, &first, err) < 0)
		return -1;
	for (at = first; at && !at->snapshotter && at->ancestor == NOT_ASKED;)
		if (step_down(lineage, entry->snapshotter, at, &at, err) < 0)
			return -1;
	if (at && !at->snapshotter)
		at = at->ancestor == NONE ? NULL : &lineage->entries[at->ancestor];
	remember(lineage, first, at ? at - lineage->entries : NONE);
	*parent = at;
	return at ? 1 : 0;
}
