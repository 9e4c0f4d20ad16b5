#include "fork/fork_finish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "fork/fork_spec.h"
#include "fork/fork_start.h"
#include "operation/around.h"
#include "store/operation.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"
#include "workspace/snapshot_labels.h"
#include "workspace/version_label.h"

#define LEASE_PREFIX "wsnap-"

bool fork_lease_read(const struct ctr_lease *lease, struct fork_lease *fork)
{
	*fork = (struct fork_lease){
		.id = lease->id,
		.operation_id = lease->id + strlen(LEASE_PREFIX),
		.container_id = labels_get(&lease->labels, LABEL_CONTAINER),
		.snapshotter = labels_get(&lease->labels, LABEL_FORK_SNAPSHOTTER),
		.version_name = labels_get(&lease->labels, LABEL_FORK),
		.start = labels_get(&lease->labels, LABEL_FORK_START),
	};
	return text_starts_with(lease->id, LEASE_PREFIX) && fork->container_id && fork->snapshotter &&
	       fork->version_name;
}

int fork_is_left(struct session *session, const char *container_id, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct fork_lease fork;

	if (ctr_lease_list(session->ctr, FORK_LEASES, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++)
		if (fork_lease_read(&leases.items[i], &fork) && strcmp(fork.container_id, container_id) == 0)
			return 1;
	return 0;
}

/* The container's task as the table says it. */
static const char *status_of(struct session *session, const char *id, struct error *err)
{
	cleanup_ctr_task struct ctr_task task = { 0 };

	if (ctr_task_get(session->ctr, id, &task, err) < 0)
		return NULL;
	return task.state == CTR_TASK_RUNNING ? "running" : "created";
}

static int number_of(const struct labels *labels, const char *key)
{
	const char *text = labels_get(labels, key);

	return text ? version_label_parse(text) : 0;
}

/* The rows follow from what the version's own labels say: so a later run writes the same. */
static int write_rows(struct session *session, const struct fork_lease *lease, const struct ctr_container *container,
		      const struct labels *labels, int32_t *version, struct error *err)
{
	const char *created = labels_get(labels, LABEL_CREATED);
	struct store_written written = { 0 };
	struct store_operation rows = {
		.operation_id = lease->operation_id,
		.container_id = lease->container_id,
		.bot_id = labels_get(labels, LABEL_BOT_ID),
		.namespace = session->settings->namespace,
		.image = container->image,
		.status = status_of(session, lease->container_id, err),
		.runtime_name = lease->version_name,
		.parent = labels_get(labels, LABEL_PARENT),
		.snapshotter = lease->snapshotter,
		.source = labels_get(labels, LABEL_SOURCE),
		.version_floor = number_of(labels, LABEL_LAST_VERSION),
		.version_event = EVENT_FORK,
		.origin = { labels_get(labels, LABEL_BY), labels_get(labels, LABEL_HOST),
			    labels_get(labels, LABEL_NOTE) },
		.origin_container_id = labels_get(labels, LABEL_ORIGIN_CONTAINER),
		.origin_version = number_of(labels, LABEL_ORIGIN_VERSION),
	};

	if (!rows.status)
		return -1;
	if (created && !clock_parse(created, &rows.created_ns))
		rows.created_ns = 0;
	if (strcmp(rows.status, "running") == 0)
		rows.started_ns = clock_unix_ns();
	if (!rows.bot_id || !rows.source)
		return error_set(err, ERROR_FAILED, "the first version of '%s' has lost its labels",
				 lease->container_id);
	if (!session->store)
		return error_set(err, ERROR_DATABASE, "the database is not connected");
	if (store_write_operation(session->store, &rows, &written, err) < 0)
		return -1;
	*version = written.version;
	return 0;
}

static int make_durable(struct session *session, const struct ctr_container *container, struct error *err)
{
	cleanup_location struct location location = { 0 };

	if (location_find(session, container->snapshotter, container->snapshot_key, &location, err) < 0)
		return -1;
	return location.filesystem ? layer_sync(location.filesystem, err) : 0;
}

static int let_go(struct session *session, const char *lease, bool collect, struct error *err)
{
	if (ctr_use_lease(session->ctr, NULL, err) < 0)
		return -1;
	return ctr_lease_delete(session->ctr, lease, collect, err);
}

int fork_finish(struct session *session, const struct fork_lease *lease, int32_t *version, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	char number[16];
	int found;

	if (ctr_container_get(session->ctr, lease->container_id, &container, err) < 0)
		return -1;
	found = ctr_snapshot_stat(session->ctr, lease->snapshotter, lease->version_name, &snapshot, err);
	if (found == 0)
		return error_set(err, ERROR_FAILED, "the snapshot '%s' is gone", lease->version_name);
	if (found < 0 || snapshot_labels_keep(session, lease->snapshotter, lease->version_name, err) < 0 ||
	    make_durable(session, &container, err) < 0 ||
	    write_rows(session, lease, &container, &snapshot.labels, version, err) < 0)
		return -1;
	snprintf(number, sizeof(number), "%d", *version);
	if (ctr_snapshot_set_label(session->ctr, lease->snapshotter, lease->version_name, LABEL_VERSION, number, err) <
		    0 ||
	    ctr_snapshot_set_label(session->ctr, lease->snapshotter, container.snapshot_key, LABEL_LAST_VERSION, number,
				   err) < 0)
		return -1;
	return let_go(session, lease->id, false, err);
}

void fork_forget_files(struct session *session, const char *container_id)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	struct error ignored = { 0 };

	if (ctr_container_find(session->ctr, container_id, &container, &ignored) == 0)
		fork_spec_remove_files(session, container_id);
}

int fork_take_back(struct session *session, const struct fork_lease *lease, struct error *err)
{
	fork_forget_files(session, lease->container_id);
	return let_go(session, lease->id, true, err);
}

int fork_find_made(struct session *session, const struct fork_lease *lease, struct ctr_container *container,
		   struct error *err)
{
	int found = ctr_container_find(session->ctr, lease->container_id, container, err);
	const char *operation;

	if (found <= 0)
		return found;
	operation = labels_get(&container->labels, LABEL_OPERATION);
	return operation && strcmp(operation, lease->operation_id) == 0;
}

/* What does not start now is whole all the same: somebody may have used it since. */
static int start(struct session *session, const struct fork_lease *lease, const struct ctr_container *container,
		 struct error *why, struct error *err)
{
	if (!lease->start || fork_start_late(session, container, lease->start, why) == 0)
		return 0;
	if (why->kind != ERROR_CONTAINERD)
		return 0;
	*err = *why;
	return -1;
}

static int complete(struct session *session, const struct fork_lease *lease, const struct ctr_container *container,
		    char **what, struct error *err)
{
	struct around_outcome outcome = { 0 };
	struct error why = { 0 };

	if (start(session, lease, container, &why, err) < 0 || fork_finish(session, lease, &outcome.version, err) < 0 ||
	    around_settle(session, lease->container_id, &outcome, err) < 0)
		return -1;
	*what = why.kind ? text_format("the fork was completed as version %d, but it does not start: %s",
				       outcome.version, why.message)
			 : text_format("the fork was completed as version %d", outcome.version);
	return *what ? 0 : error_memory(err);
}

int fork_settle(struct session *session, const struct fork_lease *lease, char **what, struct error *err)
{
	const struct around_outcome undone = { .exit_status = ERROR_FAILED };
	cleanup_ctr_container struct ctr_container container = { 0 };
	int made = fork_find_made(session, lease, &container, err);

	if (made > 0)
		return complete(session, lease, &container, what, err);
	if (made < 0 || fork_take_back(session, lease, err) < 0 ||
	    around_settle(session, lease->container_id, &undone, err) < 0)
		return -1;
	*what = strdup("the fork was taken back: there is nothing of it");
	return *what ? 0 : error_memory(err);
}
