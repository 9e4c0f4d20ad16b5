#include "base/log.h"
#include "ctr/containers.h"
#include "operation/steps.h"
#include "workspace/blueprint.h"

/* A version without it is better than none. */
static int go_without(struct run *run, struct error *err)
{
	if (err->kind == ERROR_CONTAINERD)
		return -1;
	log_warning("what makes '%s' is not kept with the version: %s", run->record->container_id, err->message);
	error_clear(err);
	return 0;
}

/*
 * Before the stop: writing it may take its time. A version of a rollback that turns out to need none leaves it to the
 * collection; a resumed run has the digest in its record.
 */
int step_blueprint(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	struct record *record = run->record;
	const struct blueprint_request request = {
		.operation_id = record->operation_id,
		.container = &container,
		.snapshotter = record->snapshotter,
		.version_before = record->stands_on,
	};

	if (record->blueprint)
		return 0;
	if (ctr_container_get(run->session->ctr, record->container_id, &container, err) < 0 ||
	    blueprint_keep(run->session, &request, &record->blueprint, err) < 0)
		return go_without(run, err);
	return 0;
}
