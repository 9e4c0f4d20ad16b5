#include "fork/fork_start.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "operation/plan_network.h"
#include "operation/task.h"
#include "task/spec.h"

/* Whether the origin has, or had, a network of ours: by libcni's cache, or because its owner gives it one. */
static int origin_is_attached(const struct fork_plan *plan, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	const char *id = plan->origin.container_id;
	cleanup_free char *full = text_format("%s-%s", plan->session->settings->namespace, id);
	cleanup_network struct network *network = NULL;

	if (!full)
		return error_memory(err);
	if (plan->owner_attaches)
		return 1;
	if (plan_network_load(plan->session, &network, err) < 0)
		return -1;
	return network ? network_find(network, (const char *const[]){ id, full }, 2, &attachment, err) : 0;
}

static int check_missing(const struct fork_plan *plan, struct error *err)
{
	const struct ctr_any *spec = &plan->container.spec;
	cleanup_free char *path = NULL, *use = NULL;
	int missing = spec_find_missing(spec->value, spec->length, &path, &use, err);

	if (missing <= 0)
		return missing;
	return error_set(err, ERROR_REFUSED, "'%s' would not start: '%s', %s, is not there", plan->record.container_id,
			 path, use);
}

int fork_start_plan(struct fork_plan *plan, struct error *err)
{
	struct settings settings = *plan->session->settings;
	struct session session = *plan->session;
	cleanup_spec struct spec spec = { 0 };
	int attached;

	if (spec_read(&plan->container, &spec, err) < 0)
		return -1;
	for (size_t i = 0; i < spec.writable_mount_count; i++)
		log_warning("'%s' shares with '%s' what is mounted at '%s'", plan->record.container_id,
			    plan->origin.container_id, spec.writable_mounts[i]);
	if (!plan->request->start)
		return 0;
	plan->record.state = CTR_TASK_RUNNING;
	if (check_missing(plan, err) < 0)
		return -1;
	attached = settings.network == NETWORK_NONE ? 0 : origin_is_attached(plan, err);
	if (attached < 0)
		return -1;
	/* The fork itself was never attached: for it that is no reason. */
	if (attached)
		settings.network = NETWORK_ATTACH;
	session.settings = &settings;
	return plan_network(&session, &plan->container, &spec, NULL, &plan->record, &plan->network, err);
}

int fork_start(struct fork_plan *plan, struct error *err)
{
	struct operation_result result = { 0 };
	struct run run = { .session = plan->session,
			   .record = &plan->record,
			   .network = steal_pointer(plan->network),
			   .result = &result };
	int started = task_bring_back(&run, plan->record.new_active, err);

	if (started == 0 && run.network_error.kind != ERROR_NONE)
		log_warning("'%s' runs, but without its network: %s", plan->record.container_id,
			    run.network_error.message);
	network_free(run.network);
	return started;
}
