#include "status/status.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "prune/prune.h"
#include "store/workspaces.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"
#include "workspace/target.h"

/* The snapshots of ours, listed once for all workspaces. */
struct layers {
	struct ctr_snapshots *of; /* beside `snapshotters` */
	struct names_set snapshotters;
};

static void layers_release(struct layers *layers)
{
	for (size_t i = 0; layers->of && i < layers->snapshotters.count; i++)
		ctr_snapshots_release(&layers->of[i]);
	free(layers->of);
	names_set_release(&layers->snapshotters);
}

static int layers_read(struct session *session, struct layers *layers, struct error *err)
{
	if (snapshotters_of(session, &layers->snapshotters, err) < 0)
		return -1;
	layers->of = calloc(layers->snapshotters.count + 1, sizeof(*layers->of));
	if (!layers->of)
		return error_memory(err);
	for (size_t i = 0; i < layers->snapshotters.count; i++)
		if (snapshotters_list(session, layers->snapshotters.items[i], "labels.\"" LABEL_CONTAINER "\"",
				      &layers->of[i], err) < 0)
			return -1;
	return 0;
}

static bool is_of(const struct ctr_snapshot *snapshot, const char *container_id)
{
	const char *container = labels_get(&snapshot->labels, LABEL_CONTAINER);

	return container && strcmp(container, container_id) == 0;
}

/* The sum of what its committed layers hold. A snapshotter that cannot tell sizes makes it unknown. */
static void measure(struct session *session, const struct layers *layers, struct workspace_status *status)
{
	status->has_bytes = true;
	for (size_t i = 0; i < layers->snapshotters.count; i++) {
		for (size_t j = 0; j < layers->of[i].count && status->has_bytes; j++) {
			const struct ctr_snapshot *snapshot = &layers->of[i].items[j];
			int64_t bytes = 0, inodes = 0;
			struct error unknown = { 0 };

			if (snapshot->kind != CTR_SNAPSHOT_COMMITTED || !is_of(snapshot, status->container_id))
				continue;
			status->has_bytes = ctr_snapshot_usage(session->ctr, layers->snapshotters.items[i],
							       snapshot->name, &bytes, &inodes, &unknown) == 0 ||
					    unknown.kind == ERROR_NOT_FOUND;
			status->bytes += bytes;
		}
	}
}

/* Its bot, where no row says it; and what the active snapshot says: how deep it stands, and when nothing was found to have
 * changed. */
static int look_at_container(struct session *session, const char *container_id, struct store_workspace *row,
			     struct workspace_status *status, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	const char *depth, *unchanged;
	int64_t unchanged_ns;

	if (ctr_container_get(session->ctr, container_id, &container, err) < 0)
		return -1;
	if (!status->bot_id &&
	    target_derive_bot(session, container_id, labels_get(&container.labels, LABEL_BOT), row->bot_id, err) < 0)
		return -1;
	status->bot_id = row->bot_id;
	if (snapshotters_stat_active(session, &container, &active, err) < 0) {
		error_clear(err); /* doctor names what is wrong with it */
		return 0;
	}
	depth = labels_get(&active.labels, LABEL_DEPTH);
	unchanged = labels_get(&active.labels, LABEL_UNCHANGED);
	status->depth = depth && text_is_digits(depth) && strlen(depth) < 6 ? atoi(depth) : 0;
	if (unchanged && clock_parse(unchanged, &unchanged_ns) && status->newest_version > 0 &&
	    (unchanged_ns > status->saved_ns || status->saved_ns > clock_unix_ns()))
		status->saved_ns = unchanged_ns;
	return 0;
}

static int count_open(struct session *session, const char *container_id, struct error *err)
{
	int record = journal_exists(session, container_id, err);
	int marked = record < 0 ? -1 : prune_count_unfinished(session, container_id, err);

	return marked < 0 ? -1 : record + (marked > 0);
}

static int fill_row(const struct store_workspace *row, struct workspace_status *status)
{
	status->bot_id = row->bot_id;
	status->versions = row->versions;
	status->newest_version = row->newest;
	if (row->newest_at && !clock_parse(row->newest_at, &status->saved_ns))
		status->saved_ns = 0;
	return 0;
}

/* In the words in which every command says so. */
static int tell_unknown(struct session *session, const char *container_id, struct error *err)
{
	cleanup_target struct target target = { 0 };

	return target_find(session, container_id, &target, err);
}

static int look_at(struct session *session, const struct layers *layers, struct store_workspace *row,
		   struct workspace_status *status, struct error *err)
{
	const char *id = status->container_id;
	int known = store_workspace_of_container(session->store, id, row, err);

	if (known < 0)
		return -1;
	if (known)
		fill_row(row, status);
	if (look_at_container(session, id, row, status, err) < 0) {
		if (!error_forgive(err, ERROR_NOT_FOUND))
			return -1;
		if (!known)
			return tell_unknown(session, id, err);
	}
	status->open_operations = count_open(session, id, err);
	if (status->open_operations < 0)
		return -1;
	if (layers)
		measure(session, layers, status);
	last_result_read(session, id, &status->last);
	return 0;
}

static int tell(struct session *session, const struct layers *layers, const char *container_id, status_each each,
		void *context, struct error *err)
{
	cleanup_store_workspace struct store_workspace row = { 0 };
	struct workspace_status status = { .container_id = container_id, .depth = -1 };
	struct error failure = { 0 };
	int result;

	if (look_at(session, layers, &row, &status, &failure) < 0)
		status.failure = &failure;
	result = each(&status, context, err);
	last_result_release(&status.last);
	return result;
}

int status_of(struct session *session, const struct names_set *ids, enum status_sizes sizes, status_each each,
	      void *context, struct error *err)
{
	struct layers layers = { 0 };
	int result = session_open_state(session, err);

	if (result == 0 && sizes == STATUS_SIZES)
		result = layers_read(session, &layers, err);
	for (size_t i = 0; result == 0 && i < ids->count; i++)
		result = tell(session, sizes == STATUS_SIZES ? &layers : NULL, ids->items[i], each, context, err);
	layers_release(&layers);
	return result;
}
