#include "operation/lease.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "operation/keep_below.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"

/* Long enough for a machine that is off over the holidays. */
#define LEASE_NS ((int64_t)14 * 24 * 3600 * 1000000000)

char *lease_name(const struct run *run)
{
	return text_format("wsnap-%s", run->record->operation_id);
}

/* A rollback needs its target to stay. It may also have to return to an unsaved state, which nothing points at once
 * the container is repointed. */
static int keep_both_ways(struct run *run, const char *lease, struct error *err)
{
	const struct record *record = run->record;

	if (record->kind != OPERATION_ROLLBACK && record->kind != OPERATION_RESTORE)
		return 0;
	if (snapshot_labels_keep(run->session, record->snapshotter, record->rollback_name, err) < 0)
		return -1;
	return ctr_lease_add_snapshot(run->session->ctr, lease, record->snapshotter, record->old_active, err);
}

int lease_take(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	cleanup_free char *lease = lease_name(run);

	if (!lease)
		return error_memory(err);
	if (labels_set(&labels, LABEL_CONTAINER, run->record->container_id, err) < 0 ||
	    ctr_lease_create(run->session->ctr, lease, LEASE_NS, &labels, err) < 0 || keep_below(run, err) < 0 ||
	    keep_both_ways(run, lease, err) < 0)
		return -1;
	return ctr_use_lease(run->session->ctr, lease, err);
}

int lease_is_lost(struct run *run, struct error *err)
{
	cleanup_free char *lease = lease_name(run), *filter = lease ? text_format("id==\"%s\"", lease) : NULL;
	cleanup_ctr_leases struct ctr_leases leases = { 0 };

	if (!filter)
		return error_memory(err);
	return ctr_lease_list(run->session->ctr, filter, &leases, err) < 0 ? -1 : leases.count == 0;
}
