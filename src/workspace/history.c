#include "workspace/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "store/origin.h"
#include "workspace/label_keys.h"
#include "workspace/snapshotters.h"

/* Whether a snapshot is the one of a version: by its row, or without a database by its label. 1, 0, -1. */
static int is_version(struct session *session, const struct target *target, const char *runtime_name, struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	const char *kind;
	int found;

	if (session->store)
		return store_version_of_snapshot(session->store, target->container_id, runtime_name, &row, err);
	found = ctr_snapshot_stat(session->ctr, target->container.snapshotter, runtime_name, &snapshot, err);
	if (found <= 0)
		return found;
	kind = labels_get(&snapshot.labels, LABEL_KIND);
	return kind && strcmp(kind, KIND_VERSION) == 0;
}

int history_stands_on(struct session *session, const struct target *target, char **runtime_name, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	const char *label;
	int found = 0;

	*runtime_name = NULL;
	if (target->present)
		found = snapshotters_stat_active(session, &target->container, &active, err);
	if (found <= 0)
		return found;
	label = labels_get(&active.labels, LABEL_STANDS_ON);
	if (!label && *active.parent) {
		found = is_version(session, target, active.parent, err);
		if (found < 0)
			return -1;
		label = found ? active.parent : NULL;
	}
	*runtime_name = strdup(label ? label : "");
	return *runtime_name ? 1 : error_memory(err);
}

int history_stands_on_shown(struct session *session, const struct target *target, char **runtime_name,
			    struct error *err)
{
	int found = history_stands_on(session, target, runtime_name, err);
	struct error failure = *err;

	if (found >= 0)
		return found;
	if (!snapshotters_pass_over(session, target->container.snapshotter, err))
		return -1;
	log_warning("%s", failure.message);
	return 0;
}

int history_operation_of(struct session *session, const struct store_version *row, char **operation_id,
			 struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = ctr_snapshot_stat(session->ctr, row->snapshotter, row->runtime_name, &snapshot, err);
	const char *label;

	if (found < 0 && snapshotters_pass_over(session, row->snapshotter, err))
		found = 0;
	label = found > 0 ? labels_get(&snapshot.labels, LABEL_OPERATION) : NULL;

	*operation_id = label ? strdup(label) : NULL;
	return label && !*operation_id ? error_memory(err) : found;
}

static int keep_origin(int32_t version, const struct store_origin *told, void *context, struct error *err)
{
	struct origin *origin = context, copy;

	(void)version;
	if (origin_keep(told->by, told->host, told->note, &copy, err) < 0)
		return -1;
	origin_release(origin);
	*origin = copy;
	return 0;
}

int history_origin_of(struct session *session, const char *container_id, int32_t version, struct origin *origin,
		      struct error *err)
{
	*origin = (struct origin){ 0 };
	return store_origins_each(session->store, container_id, version, keep_origin, origin, err);
}

int history_is_missing(struct session *session, const char *container_id, const struct store_version *row,
		       struct error *err)
{
	struct error ignored = { 0 };
	struct origin origin = { 0 };
	const char *here = session->origin.host;

	error_set(err, ERROR_NOT_FOUND, "version %d of '%s' is not in this containerd: its snapshot '%s' is gone",
		  row->version, container_id, row->runtime_name);
	if (history_origin_of(session, container_id, row->version, &origin, &ignored) == 0 && origin.host &&
	    (!here || strcmp(origin.host, here) != 0))
		error_hint(err, "it was taken on the host '%s'; 'wsnap list %s' shows what is present here",
			   origin.host, container_id);
	else
		error_hint(err, "'wsnap list %s' shows what is present", container_id);
	origin_release(&origin);
	return -1;
}

int history_size_of(struct session *session, const struct store_version *row, struct snapshot_size *size,
		    struct error *err)
{
	size->known = ctr_snapshot_usage(session->ctr, row->snapshotter, row->runtime_name, &size->bytes, &size->inodes,
					 err) == 0;
	if (size->known)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

int history_origins_each(struct session *session, const char *container_id, store_origin_each each, void *context,
			 struct error *err)
{
	return store_origins_each(session->store, container_id, 0, each, context, err);
}

int history_events_each(struct session *session, const char *container_id, store_event_each each, void *context,
			struct error *err)
{
	return store_events_each(session->store, container_id, each, context, err);
}
