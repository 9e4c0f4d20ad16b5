#include "operation/plan_stop.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "operation/plan_chain.h"
#include "operation/plan_devices.h"
#include "operation/plan_network.h"
#include "task/client.h"
#include "task/streams.h"
#include "workspace/label_keys.h"

static void warn_of_reader(const struct record *record, const struct ctr_task *task)
{
	const char *path;
	int pid;

	if (record->old_pid != 0 && streams_find_reader(&task->streams, &path, &pid))
		log_warning(
			"'%s' writes to the FIFO '%s', which process %d reads: what the workspace writes from now on "
			"does not get there",
			record->container_id, path, pid);
}

static int set_chain(const struct plan *plan, const struct findings *findings, struct record *record, struct error *err)
{
	if (record->kind == OPERATION_ROLLBACK)
		return plan_chain_back(plan->session, &findings->location, record, err);
	return plan_chain(plan->session, &findings->active, &findings->location, record->kind == OPERATION_COMPACT,
			  record, err);
}

/* Without these the task could not be started again. */
static int check_start(const struct plan *plan, const struct findings *findings, const struct record *record,
		       struct error *err)
{
	const struct ctr_any *spec = &findings->container.spec;
	cleanup_free char *path = NULL, *use = NULL;
	int missing;

	if (record->state == CTR_TASK_NONE || plan->session->settings->force)
		return 0;
	missing = spec_find_missing(record->new_spec ? record->new_spec : spec->value,
				    record->new_spec ? strlen(record->new_spec) : spec->length, &path, &use, err);
	if (missing <= 0)
		return missing;
	error_set(err, ERROR_REFUSED, "'%s' would not start again: '%s', %s, is not there", record->container_id, path,
		  use);
	return error_hint(err,
			  "bring it back, or stop the workspace: then it is saved without a start; --force insists");
}

/* An attached `ctr run --rm` removes the container as soon as its task ends, and with it the layer that is being
 * saved. */
static int check_remover(const struct settings *settings, const struct findings *findings, const struct record *record,
			 struct error *err)
{
	const char *label = labels_get(&findings->container.labels, LABEL_AUTO_REMOVE);
	uint32_t pid;

	if (settings->force || record->state == CTR_TASK_NONE)
		return 0;
	pid = label && strcmp(label, "true") == 0 ? 0 : client_that_removes(settings->namespace, record->container_id);
	if (pid > 0)
		error_set(err, ERROR_REFUSED,
			  "'%s' would be removed as soon as it stops: 'ctr run --rm' (pid %u) waits for that",
			  record->container_id, pid);
	else if (label && strcmp(label, "true") == 0)
		error_set(err, ERROR_REFUSED,
			  "'%s' would be removed as soon as it stops: it was run with --rm (label '%s')",
			  record->container_id, LABEL_AUTO_REMOVE);
	else
		return 0;
	return error_hint(err, "--force insists");
}

int plan_stop(const struct plan *plan, const struct findings *findings, struct record *record, struct network **network,
	      struct operation_result *result, struct error *err)
{
	const char *earlier = plan->pending ? plan->pending->attachment : NULL;

	warn_of_reader(record, &findings->task);
	if (set_chain(plan, findings, record, err) < 0)
		return -1;
	if (record->kind == OPERATION_COMPACT && !record->merged)
		return 1;
	result->layers_merged = record->merge_count;
	if (check_remover(plan->session->settings, findings, record, err) < 0 ||
	    plan_network(plan->session, &findings->container, &findings->spec, earlier, record, network, err) < 0 ||
	    plan_devices(plan->session, &findings->container, record, err) < 0)
		return -1;
	return check_start(plan, findings, record, err);
}
