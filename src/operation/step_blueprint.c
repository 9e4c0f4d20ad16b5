#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "operation/lease.h"
#include "operation/orphan.h"
#include "operation/steps.h"
#include "workspace/blueprint.h"
#include "workspace/label_keys.h"

/* A version without it is better than none. */
static int go_without(struct run *run, struct error *err)
{
	struct error unknown = { 0 };

	/* With a new lease it may work. */
	if (err->kind == ERROR_CONTAINERD || lease_is_lost(run, &unknown) == 1)
		return -1;
	log_warning("what makes '%s' is not kept with the version: %s", run->record->container_id, err->message);
	error_clear(err);
	return 0;
}

static int keep(struct run *run, char **digest, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	const struct record *record = run->record;
	const struct blueprint_request request = {
		.operation_id = record->operation_id,
		.container = &container,
		.snapshotter = record->snapshotter,
		.version_before = record->stands_on,
	};

	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0)
		return -1;
	return blueprint_keep(run->session, &request, digest, err);
}

/*
 * Before the stop: writing it may take its time. A version of a rollback that turns out to need none leaves it to the
 * collection; a resumed run has the digest in its record.
 */
int step_blueprint(struct run *run, struct error *err)
{
	if (run->record->blueprint || keep(run, &run->record->blueprint, err) == 0)
		return 0;
	return go_without(run, err);
}

/* 1: the version has it, or is not to have it, 0, -1. */
static int is_there(struct run *run, struct error *err)
{
	cleanup_free char *json = NULL;
	size_t length;

	if (!run->record->blueprint)
		return 1;
	return blueprint_read(run->session, run->record->snapshotter, run->record->saved, &json, &length, err);
}

static int keep_again(struct run *run, struct error *err)
{
	cleanup_free char *digest = NULL;
	const struct record *record = run->record;

	if (orphan_check(run, err) < 0 || lease_take(run, err) < 0 || keep(run, &digest, err) < 0)
		return -1;
	return ctr_snapshot_set_label(run->session->ctr, record->snapshotter, record->saved, LABEL_BLUEPRINT, digest,
				      err);
}

int step_blueprint_again(struct run *run, struct error *err)
{
	int found = is_there(run, err);

	if (found > 0 || run_is_orphaned(run))
		return 0;
	if (found == 0 && keep_again(run, err) == 0)
		return 0;
	return go_without(run, err);
}
