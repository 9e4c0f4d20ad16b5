#include "operation/plan.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "operation/decide.h"
#include "operation/findings.h"
#include "operation/mapped_ids.h"
#include "operation/plan_live.h"
#include "operation/plan_network.h"
#include "operation/plan_record.h"
#include "operation/plan_restore.h"
#include "operation/plan_stop.h"
#include "operation/plan_target.h"
#include "operation/plan_unchanged.h"
#include "operation/rows.h"
#include "operation/sharers.h"
#include "store/operation.h"
#include "workspace/disk_space.h"
#include "workspace/target.h"
#include "workspace/warnings.h"

/* Kubernetes and Docker start, replace and remove their containers as they see fit. */
static int check_keeper(const struct settings *settings, const char *container_id, struct error *err)
{
	const char *namespace = settings->namespace;

	if (settings->force || (strcmp(namespace, "k8s.io") != 0 && strcmp(namespace, "moby") != 0))
		return 0;
	error_set(err, ERROR_REFUSED, "'%s' is kept by %s (namespace '%s'), which would fight an operation on it",
		  container_id, strcmp(namespace, "moby") == 0 ? "Docker" : "Kubernetes", namespace);
	return error_hint(err, "--force insists");
}

static void keep_mounts(struct findings *findings, struct operation_result *result)
{
	result->unsaved_mounts = steal_pointer(findings->spec.writable_mounts);
	result->unsaved_mount_count = findings->spec.writable_mount_count;
	findings->spec.writable_mount_count = 0;
}

/* What the result can say before anything is done. */
static int fill_result(const struct record *record, struct operation_result *result, struct error *err)
{
	memcpy(result->operation_id, record->operation_id, sizeof(result->operation_id));
	result->container_id = strdup(record->container_id);
	result->snapshotter = strdup(record->snapshotter);
	return result->container_id && result->snapshotter ? 0 : error_memory(err);
}

static int decide_live_compact(const struct plan *plan, const struct findings *findings, struct record *record,
			       struct operation_result *result, struct error *err)
{
	int nothing = plan_live_compact(plan->session, &findings->active, &findings->location, record, err);

	result->layers_merged = nothing == 0 ? record->merge_count : 0;
	result->live = true;
	return nothing;
}

/* It keeps its network. Only after a reboot in the middle it has to get it anew. */
static void note_network(const struct plan *plan, const struct findings *findings, struct record *record,
			 struct network **network)
{
	const char *earlier = plan->pending ? plan->pending->attachment : NULL;
	struct error ignored = { 0 };

	if (plan_network(plan->session, &findings->container, &findings->spec, earlier, record, network, &ignored) < 0)
		log_detail("%s", ignored.message);
}

/* What takes over a missing network without a start has to attach it to what runs. */
static int take_over_network(const struct plan *plan, struct record *record, struct network **network,
			     struct error *err)
{
	struct error ignored = { 0 };

	if (!record->live || !plan->pending || plan->pending->pending != PENDING_NETWORK || !plan->pending->attachment)
		return 0;
	record->stage = STAGE_PLANNED;
	record->pending = PENDING_NETWORK;
	record->attachment = strdup(plan->pending->attachment);
	if (plan_network_load(plan->session, network, &ignored) < 0)
		log_detail("%s", ignored.message);
	return record->attachment ? 0 : error_memory(err);
}

/* 1: the version that is asked for is there already. */
static int is_there(const struct plan *plan, const struct findings *findings, const struct record *record,
		    struct operation_result *result, struct error *err)
{
	if (record->kind == OPERATION_RESTORE)
		return plan_restore_judge(plan->session, plan->request, record, result, err);
	return plan_unchanged(plan, findings, record, result, err);
}

/* Live or with a stop. 1: there is nothing to do. */
static int decide_way(const struct plan *plan, const struct findings *findings, struct record *record,
		      struct network **network, struct operation_result *result, struct error *err)
{
	const struct operation_request *request = plan->request;

	if (record->kind == OPERATION_RESTORE) {
		note_network(plan, findings, record, network);
		return plan_restore(plan->session, request, &plan->saved, &findings->active, &findings->location,
				    record, err);
	}
	if (record->kind == OPERATION_COMPACT && request->mode == MODE_LIVE)
		return decide_live_compact(plan, findings, record, result, err);
	if (plan_live_is_asked(plan->session, request) &&
	    plan_live(plan->session, request, &findings->active, &findings->location, record, err) < 0)
		return -1;
	return record->live ? 0 : plan_stop(plan, findings, record, network, result, err);
}

static int decide(const struct plan *plan, const struct findings *findings, struct record *record,
		  struct network **network, struct operation_result *result, struct error *err)
{
	int nothing;

	if (plan_record(plan, findings, record, err) < 0 || fill_result(record, result, err) < 0 ||
	    store_check_bot(plan->session->store, plan->bot_id, err) < 0)
		return -1;
	if ((record->kind == OPERATION_ROLLBACK || record->kind == OPERATION_RESTORE) &&
	    plan_target(plan->session, plan->request->version, record, err) < 0)
		return -1;
	nothing = is_there(plan, findings, record, result, err);
	if (nothing != 0)
		return nothing;
	if (decide_task(&findings->task, plan->pending, record, err) < 0)
		return -1;
	nothing = decide_way(plan, findings, record, network, result, err);
	if (nothing != 0)
		return nothing;
	if (take_over_network(plan, record, network, err) < 0 || mapped_ids_check(plan, findings, record, err) < 0 ||
	    rows_rehearse(plan->session, record, err) < 0)
		return -1;
	return disk_space_check(findings->location.filesystem, err);
}

int plan_make(const struct plan *plan, struct record *record, struct network **network, struct operation_result *result,
	      struct error *err)
{
	cleanup_findings struct findings findings = { 0 };
	const struct settings *settings = plan->session->settings;
	int nothing;

	if (check_keeper(settings, plan->container_id, err) < 0 ||
	    target_check_namespace(plan->session, plan->container_id, err) < 0 ||
	    findings_find(plan->session, plan->container_id, &findings, err) < 0)
		return -1;
	nothing = decide(plan, &findings, record, network, result, err);
	if (nothing != 0)
		return nothing;
	keep_mounts(&findings, result);
	if (findings.spec.own_network)
		sharers_warn(plan->session, record);
	disk_space_warn(settings, findings.location.filesystem);
	if (!record->merged)
		warnings_depth(settings, plan->container_id, findings.location.below.count + 1);
	return 0;
}
