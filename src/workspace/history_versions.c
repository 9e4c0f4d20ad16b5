/* The versions of a workspace, oldest first. containerd is asked for its snapshots while Postgres gives the rows. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/history.h"
#include "workspace/snapshot_index.h"

/* Rows that may wait for containerd's answer: some megabytes. */
#define MAX_WAITING 10000

struct versions_walk {
	struct snapshot_index index;
	const char *stands_on; /* NULL: unknown */
	struct store_version *waiting;
	size_t waiting_count, waiting_capacity;
	history_each each;
	void *context;
};

static int tell(struct versions_walk *walk, const struct store_version *row, struct error *err)
{
	int present = snapshot_index_has(&walk->index, row->snapshotter, row->runtime_name, err);
	const struct history_version version = {
		.row = row,
		.current = walk->stands_on && strcmp(walk->stands_on, row->runtime_name) == 0,
		.present = present > 0,
	};

	return present < 0 ? -1 : walk->each(&version, walk->context, err);
}

static int tell_waiting(struct versions_walk *walk, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < walk->waiting_count; i++) {
		if (result == 0)
			result = tell(walk, &walk->waiting[i], err);
		store_version_release(&walk->waiting[i]);
	}
	walk->waiting_count = 0;
	return result;
}

static int wait_with(struct versions_walk *walk, const struct store_version *row, struct error *err)
{
	if (walk->waiting_count == walk->waiting_capacity) {
		size_t capacity = walk->waiting_capacity ? walk->waiting_capacity * 2 : 256;
		struct store_version *grown = reallocarray(walk->waiting, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		walk->waiting = grown;
		walk->waiting_capacity = capacity;
	}
	walk->waiting[walk->waiting_count] = (struct store_version){ 0 };
	if (store_version_copy(row, &walk->waiting[walk->waiting_count], err) < 0)
		return -1;
	walk->waiting_count++;
	return 0;
}

static int take_row(const struct store_version *row, void *context, struct error *err)
{
	struct versions_walk *walk = context;

	if (snapshot_index_is_busy(&walk->index) && walk->waiting_count < MAX_WAITING)
		return wait_with(walk, row, err);
	if (tell_waiting(walk, err) < 0)
		return -1;
	return tell(walk, row, err);
}

static void walk_release(struct versions_walk *walk)
{
	snapshot_index_release(&walk->index);
	for (size_t i = 0; i < walk->waiting_count; i++)
		store_version_release(&walk->waiting[i]);
	free(walk->waiting);
}

int history_versions_each(struct session *session, const struct target *target, history_each each, void *context,
			  struct error *err)
{
	cleanup_free char *stands_on = NULL;
	struct versions_walk walk = {
		.index = { .session = session, .container_id = target->container_id },
		.each = each,
		.context = context,
	};
	int result = history_stands_on_shown(session, target, &stands_on, err) < 0 ? -1 : 0;

	walk.stands_on = stands_on;
	if (result == 0 && target->present)
		result = snapshot_index_begin(&walk.index, target->container.snapshotter, err);
	if (result == 0)
		result = store_versions_each(session->store, target->container_id, take_row, &walk, err);
	if (result == 0)
		result = tell_waiting(&walk, err);
	walk_release(&walk);
	return result;
}
