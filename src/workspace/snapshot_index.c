#include "workspace/snapshot_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

static int add_name(const char *name, void *context, struct error *err)
{
	struct snapshot_index *index = context;

	if (index->count == index->capacity) {
		size_t capacity = index->capacity ? index->capacity * 2 : 256;
		size_t *grown = reallocarray(index->offsets, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		index->offsets = grown;
		index->capacity = capacity;
	}
	index->offsets[index->count++] = index->names.length;
	text_append(&index->names, name, strlen(name) + 1);
	return index->names.failed ? error_memory(err) : 0;
}

static int compare_names(const void *a, const void *b, void *names)
{
	return strcmp((const char *)names + *(const size_t *)a, (const char *)names + *(const size_t *)b);
}

static void forget_names(struct snapshot_index *index)
{
	index->count = 0;
	index->names.length = 0;
}

static int load(struct snapshot_index *index, const char *filter, struct error *err)
{
	forget_names(index);
	if (ctr_snapshot_names_each(index->session->ctr, index->snapshotter, filter, add_name, index, err) < 0 &&
	    !snapshotters_pass_over(index->session, index->snapshotter, err))
		return -1;
	if (index->count)
		qsort_r(index->offsets, index->count, sizeof(*index->offsets), compare_names, index->names.data);
	return 0;
}

static int load_labelled(struct snapshot_index *index, struct error *err)
{
	cleanup_free char *filter = text_format("labels.\"%s\"==\"%s\"", LABEL_CONTAINER, index->container_id);

	return filter ? load(index, filter, err) : error_memory(err);
}

static int set_snapshotter(struct snapshot_index *index, const char *snapshotter, struct error *err)
{
	free(index->snapshotter);
	index->snapshotter = strdup(snapshotter);
	index->complete = false;
	return index->snapshotter ? 0 : error_memory(err);
}

static int load_beside(void *context, struct error *err)
{
	struct snapshot_index *index = context;
	int result = load_labelled(index, err);

	atomic_store(&index->done, true);
	return result;
}

int snapshot_index_begin(struct snapshot_index *index, const char *snapshotter, struct error *err)
{
	struct error ignored = { 0 };

	if (set_snapshotter(index, snapshotter, err) < 0)
		return -1;
	index->threaded = beside_begin(&index->beside, load_beside, index, &ignored) == 0;
	return index->threaded ? 0 : load_labelled(index, err);
}

bool snapshot_index_is_busy(const struct snapshot_index *index)
{
	return index->threaded && !atomic_load(&index->done);
}

/* The first list for this snapshotter, if it is not there yet. */
static int prepare(struct snapshot_index *index, const char *snapshotter, struct error *err)
{
	if (index->threaded) {
		index->threaded = false;
		if (beside_end(&index->beside, err) < 0)
			return -1;
	}
	if (index->snapshotter && strcmp(index->snapshotter, snapshotter) == 0)
		return 0;
	if (set_snapshotter(index, snapshotter, err) < 0)
		return -1;
	return load_labelled(index, err);
}

static bool find(const struct snapshot_index *index, const char *name)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, index->names.data + index->offsets[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

int snapshot_index_has(struct snapshot_index *index, const char *snapshotter, const char *name, struct error *err)
{
	if (prepare(index, snapshotter, err) < 0)
		return -1;
	if (find(index, name))
		return 1;
	if (index->complete)
		return 0;
	if (load(index, NULL, err) < 0)
		return -1;
	index->complete = true;
	return find(index, name);
}

void snapshot_index_release(struct snapshot_index *index)
{
	struct error ignored = { 0 };

	if (index->threaded)
		beside_end(&index->beside, &ignored);
	free(index->snapshotter);
	free(index->offsets);
	text_release(&index->names);
	*index = (struct snapshot_index){ .session = index->session, .container_id = index->container_id };
}
