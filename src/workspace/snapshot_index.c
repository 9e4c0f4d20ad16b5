#include "workspace/snapshot_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

static int add_name(const char *name, void *context, struct error *err)
{
	struct snapshot_index *presence = context;

	if (presence->count == presence->capacity) {
		size_t capacity = presence->capacity ? presence->capacity * 2 : 256;
		size_t *grown = reallocarray(presence->offsets, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		presence->offsets = grown;
		presence->capacity = capacity;
	}
	presence->offsets[presence->count++] = presence->names.length;
	text_append(&presence->names, name, strlen(name) + 1);
	return presence->names.failed ? error_memory(err) : 0;
}

static int compare_names(const void *a, const void *b, void *names)
{
	return strcmp((const char *)names + *(const size_t *)a, (const char *)names + *(const size_t *)b);
}

static void forget_names(struct snapshot_index *presence)
{
	presence->count = 0;
	presence->names.length = 0;
}

static int load(struct snapshot_index *presence, const char *filter, struct error *err)
{
	forget_names(presence);
	if (ctr_snapshot_names_each(presence->session->ctr, presence->snapshotter, filter, add_name, presence, err) <
		    0 &&
	    !snapshotters_pass_over(presence->session, presence->snapshotter, err))
		return -1;
	if (presence->count)
		qsort_r(presence->offsets, presence->count, sizeof(*presence->offsets), compare_names,
			presence->names.data);
	return 0;
}

static int load_labelled(struct snapshot_index *presence, struct error *err)
{
	cleanup_free char *filter = text_format("labels.\"%s\"==\"%s\"", LABEL_CONTAINER, presence->container_id);

	return filter ? load(presence, filter, err) : error_memory(err);
}

static int set_snapshotter(struct snapshot_index *presence, const char *snapshotter, struct error *err)
{
	free(presence->snapshotter);
	presence->snapshotter = strdup(snapshotter);
	presence->complete = false;
	return presence->snapshotter ? 0 : error_memory(err);
}

static void *run_thread(void *argument)
{
	struct snapshot_index *presence = argument;

	presence->result = load_labelled(presence, &presence->error);
	atomic_store(&presence->done, true);
	return NULL;
}

static void join(struct snapshot_index *presence)
{
	pthread_join(presence->thread, NULL);
	presence->threaded = false;
}

int snapshot_index_begin(struct snapshot_index *presence, const char *snapshotter, struct error *err)
{
	if (set_snapshotter(presence, snapshotter, err) < 0)
		return -1;
	presence->threaded = pthread_create(&presence->thread, NULL, run_thread, presence) == 0;
	return presence->threaded ? 0 : load_labelled(presence, err);
}

bool snapshot_index_is_busy(const struct snapshot_index *presence)
{
	return presence->threaded && !atomic_load(&presence->done);
}

/* The first list for this snapshotter, if it is not there yet. */
static int prepare(struct snapshot_index *presence, const char *snapshotter, struct error *err)
{
	if (presence->threaded) {
		join(presence);
		if (presence->result < 0) {
			*err = presence->error;
			return -1;
		}
	}
	if (presence->snapshotter && strcmp(presence->snapshotter, snapshotter) == 0)
		return 0;
	if (set_snapshotter(presence, snapshotter, err) < 0)
		return -1;
	return load_labelled(presence, err);
}

static bool find(const struct snapshot_index *presence, const char *name)
{
	size_t low = 0, high = presence->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, presence->names.data + presence->offsets[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

int snapshot_index_has(struct snapshot_index *presence, const char *snapshotter, const char *name, struct error *err)
{
	if (prepare(presence, snapshotter, err) < 0)
		return -1;
	if (find(presence, name))
		return 1;
	if (presence->complete)
		return 0;
	if (load(presence, NULL, err) < 0)
		return -1;
	presence->complete = true;
	return find(presence, name);
}

void snapshot_index_release(struct snapshot_index *presence)
{
	if (presence->threaded)
		join(presence);
	free(presence->snapshotter);
	free(presence->offsets);
	text_release(&presence->names);
	*presence = (struct snapshot_index){ .session = presence->session, .container_id = presence->container_id };
}
