#include "operation/half_commit.h"

#include <unistd.h>

#include "base/log.h"
#include "ctr/snapshots.h"
#include "operation/new_layer.h"
#include "workspace/snapshotter_traits.h"

int half_commit_is_found(struct run *run, struct error *err)
{
	const struct record *record = run->record;
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, record->old_active, NULL, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	return record->old_upper && access(record->old_upper, F_OK) == 0;
}

bool half_commit_is_safer_to_copy(const struct run *run)
{
	const struct record *record = run->record;

	return record->old_upper && snapshotter_has_unfinished_layer(record->snapshotter, record->old_upper);
}

int half_commit_save(struct run *run, const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	const char *const layers[] = { record->old_upper };

	log_detail(
		"'%s': the layer '%s' was cut off or lost while containerd committed it; its files are saved from '%s'",
		record->container_id, record->old_active, record->old_upper);
	if (new_layer_begin(run, record->saved, record->old_parent ? record->old_parent : "", err) < 0)
		return -1;
	return new_layer_fill(run, record->saved, layers, 1, labels, err);
}
