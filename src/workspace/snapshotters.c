#include "workspace/snapshotters.h"

#include "base/log.h"
#include "workspace/snapshotter_traits.h"

/* What containerd answers when a snapshotter is not loaded: INVALID_ARGUMENT (grpc/grpc, doc/statuscodes.md). */
#define STATUS_INVALID_ARGUMENT 3

int snapshotters_add(const struct ctr_containers *containers, struct names_set *names, struct error *err)
{
	if (names_set_add(names, SNAPSHOTTER_DEFAULT, err) < 0)
		return -1;
	for (size_t i = 0; i < containers->count; i++) {
		const char *name = containers->items[i].snapshotter;

		if (name && *name && names_set_add(names, name, err) < 0)
			return -1;
	}
	return 0;
}

int snapshotters_of(struct session *session, struct names_set *names, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };

	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	return snapshotters_add(&containers, names, err);
}

static bool is_not_loaded(struct session *session, const struct error *err)
{
	return ctr_status(session->ctr) == STATUS_INVALID_ARGUMENT || err->kind == ERROR_NOT_FOUND;
}

bool snapshotters_pass_over(struct session *session, const char *snapshotter, struct error *err)
{
	if (!is_not_loaded(session, err))
		return false;
	log_detail("the snapshotter '%s' is passed over: %s", snapshotter, err->message);
	error_clear(err);
	return true;
}

int snapshotters_stat_active(struct session *session, const struct ctr_container *container,
			     struct ctr_snapshot *active, struct error *err)
{
	int found;

	if (!*container->snapshotter || !*container->snapshot_key)
		return 0;
	found = ctr_snapshot_stat(session->ctr, container->snapshotter, container->snapshot_key, active, err);
	if (found >= 0 || !is_not_loaded(session, err))
		return found;
	error_set(err, ERROR_FAILED, "'%s' is on the snapshotter '%s', which this containerd has not loaded",
		  container->id, container->snapshotter);
	return error_hint(err, "'ctr plugins ls' shows those that it has; the workspace is left as it is");
}

int snapshotters_list(struct session *session, const char *snapshotter, const char *filter,
		      struct ctr_snapshots *snapshots, struct error *err)
{
	if (ctr_snapshot_list(session->ctr, snapshotter, filter, snapshots, err) == 0)
		return 1;
	return snapshotters_pass_over(session, snapshotter, err) ? 0 : -1;
}

int snapshotters_each(struct session *session, const char *filter, snapshotters_each_one each, void *context,
		      struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };

	if (snapshotters_of(session, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++) {
		cleanup_ctr_snapshots struct ctr_snapshots found = { 0 };

		if (snapshotters_list(session, snapshotters.items[i], filter, &found, err) < 0)
			return -1;
		for (size_t j = 0; j < found.count; j++)
			if (each(&found.items[j], context, err) < 0)
				return -1;
	}
	return 0;
}
