#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "ctr/leases.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/steps.h"

/* Long enough for a machine that is off over the holidays; recovery takes a new one anyway. */
#define LEASE_NS ((int64_t)14 * 24 * 3600 * 1000000000)

int step_journal(struct run *run, struct error *err)
{
	/* What a resumed run works from is the saved record itself. */
	return run->resumed ? 0 : journal_save(run->session, run->record, err);
}

static char *lease_id(const struct run *run)
{
	return text_format("wsnap-%s", run->record->operation_id);
}

int step_lease(struct run *run, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	cleanup_free char *lease = lease_id(run);

	if (!lease)
		return error_memory(err);
	if (labels_set(&labels, LABEL_CONTAINER, run->record->container_id, err) < 0 ||
	    ctr_lease_create(run->session->ctr, lease, clock_unix_ns() + LEASE_NS, &labels, err) < 0)
		return -1;
	return ctr_use_lease(run->session->ctr, lease, err);
}

int step_hold(struct run *run, struct error *err)
{
	if (!run->record->restart_status || run->record->turned_back)
		return 0;
	return ctr_container_set_label(run->session->ctr, run->record->container_id, LABEL_RESTART_STATUS, "",
				       err);
}

int step_unhold(struct run *run, struct error *err)
{
	struct record *record = run->record;

	if (record->restart_status &&
	    ctr_container_set_label(run->session->ctr, record->container_id, LABEL_RESTART_STATUS,
				    record->restart_status, err) < 0)
		return -1;
	if (record->up || record->turned_back)
		return 0;
	record->up = true;
	return journal_save(run->session, record, err);
}

int step_announce(struct run *run, struct error *err)
{
	if (run->record->stopping)
		return 0;
	run->record->stopping = true;
	return journal_save(run->session, run->record, err);
}

/* What recovery, or the next operation, has still to do for the workspace. */
static int keep_pending(struct run *run, struct error *err)
{
	struct record *record = run->record;

	if (journal_save(run->session, record, err) < 0)
		return -1;
	if (record->start_pending)
		error_set(err, ERROR_INCOMPLETE, "'%s' is saved, but it could not be started again: %s",
			  record->container_id, record->failure ? record->failure : "its task did not start");
	else
		error_set(err, ERROR_INCOMPLETE, "'%s' runs, but without its network: %s", record->container_id,
			  run->network_error.message);
	return error_hint(err, "once the cause is gone, 'wsnap recover %s' does the rest", record->container_id);
}

int step_release(struct run *run, struct error *err)
{
	cleanup_free char *lease = lease_id(run);

	if (!lease)
		return error_memory(err);
	if (ctr_use_lease(run->session->ctr, NULL, err) < 0 ||
	    ctr_lease_delete(run->session->ctr, lease, false, err) < 0)
		return -1;
	if (run->record->start_pending || run->record->network_pending)
		return keep_pending(run, err);
	return journal_remove(run->session, run->record->container_id, err);
}
