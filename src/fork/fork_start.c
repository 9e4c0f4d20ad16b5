#include "fork/fork_start.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/tasks.h"
#include "operation/plan_network.h"
#include "operation/steps.h"
#include "operation/task.h"
#include "task/spec.h"
#include "workspace/label_keys.h"

/* Whether the origin has, or had, a network of ours: by libcni's cache, or because its owner gives it one. */
static int origin_is_attached(const struct fork_plan *plan, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	const struct labels *labels = &plan->container.labels;
	const char *id = plan->origin.container_id;
	cleanup_free char *full = text_format("%s-%s", plan->session->settings->namespace, id);
	cleanup_network struct network *network = NULL;

	if (!full)
		return error_memory(err);
	if (labels_get(labels, LABEL_BOT) || labels_get(labels, LABEL_WORKSPACE))
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

int fork_start_decide(struct fork_plan *plan, struct error *err)
{
	int attached;

	if (!plan->request->start)
		return 0;
	plan->start = FORK_START_ALONE;
	plan->record.state = CTR_TASK_RUNNING;
	if (plan->session->settings->network == NETWORK_NONE)
		return 0;
	attached = origin_is_attached(plan, err);
	plan->start = attached > 0 ? FORK_START_ATTACHED : FORK_START_AS_EVER;
	return attached < 0 ? -1 : 0;
}

/* The fork itself was never attached: for it that is no reason. */
static int find_network(struct session *session, const struct ctr_container *container, const struct spec *spec,
			const char *start, struct record *record, struct network **network, struct error *err)
{
	struct settings settings = *session->settings;
	struct session own = *session;

	if (strcmp(start, FORK_START_ALONE) == 0)
		settings.network = NETWORK_NONE;
	else if (strcmp(start, FORK_START_ATTACHED) == 0)
		settings.network = NETWORK_ATTACH;
	own.settings = &settings;
	return plan_network(&own, container, spec, NULL, record, network, err);
}

int fork_start_plan(struct fork_plan *plan, struct error *err)
{
	cleanup_spec struct spec spec = { 0 };

	if (spec_read(&plan->container, &spec, err) < 0)
		return -1;
	for (size_t i = 0; i < spec.writable_mount_count; i++)
		log_warning("'%s' shares with '%s' what is mounted at '%s'", plan->record.container_id,
			    plan->origin.container_id, spec.writable_mounts[i]);
	if (!plan->start)
		return 0;
	if (check_missing(plan, err) < 0)
		return -1;
	return find_network(plan->session, &plan->container, &spec, plan->start, &plan->record, &plan->network, err);
}

static void warn_of_network(const struct run *run)
{
	if (run->network_error.kind != ERROR_NONE)
		log_warning("'%s' runs, but without its network: %s", run->record->container_id,
			    run->network_error.message);
}

int fork_start(struct fork_plan *plan, struct error *err)
{
	struct operation_result result = { 0 };
	struct run run = { .session = plan->session,
			   .record = &plan->record,
			   .network = steal_pointer(plan->network),
			   .result = &result };
	int started = task_bring_back(&run, plan->record.new_active, err);

	if (started == 0)
		warn_of_network(&run);
	network_free(run.network);
	return started;
}

static int fill_record(struct session *session, const struct ctr_container *container, struct record *record,
		       struct error *err)
{
	record->kind = OPERATION_VERSION;
	record->state = CTR_TASK_RUNNING;
	record->container_id = strdup(container->id);
	record->namespace = strdup(session->settings->namespace);
	record->snapshotter = strdup(container->snapshotter);
	record->new_active = strdup(container->snapshot_key);
	return record->container_id && record->namespace && record->snapshotter && record->new_active
		       ? 0
		       : error_memory(err);
}

int fork_start_late(struct session *session, const struct ctr_container *container, const char *start,
		    struct error *err)
{
	cleanup_record struct record record = { 0 };
	cleanup_spec struct spec spec = { 0 };
	cleanup_ctr_task struct ctr_task task = { 0 };
	struct operation_result result = { 0 };
	struct run run = { .session = session, .record = &record, .result = &result, .resumed = true };
	int started;

	if (ctr_task_get(session->ctr, container->id, &task, err) < 0)
		return -1;
	if (task.state != CTR_TASK_NONE && task.state != CTR_TASK_CREATED)
		return 0;
	if (fill_record(session, container, &record, err) < 0 || spec_read(container, &spec, err) < 0 ||
	    find_network(session, container, &spec, start, &record, &run.network, err) < 0)
		return -1;
	started = step_start_on(&run, record.new_active, err);
	if (started == 0)
		warn_of_network(&run);
	network_free(run.network);
	return started;
}
