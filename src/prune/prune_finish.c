/* Going on with versions that are marked as given up. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "operation/around.h"
#include "prune/prune.h"
#include "prune/prune_all.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotters.h"
#include "workspace/survey.h"

/* As prune_is_unfinished has it. */
#define UNFINISHED "labels.\"" LABEL_GIVEN_UP "\",labels.\"" LABEL_GC_ROOT "\""

static char *unfinished_filter(const char *container_id)
{
	if (!container_id)
		return strdup(UNFINISHED);
	return text_format(UNFINISHED ",labels.\"%s\"==\"%s\"", LABEL_CONTAINER, container_id);
}

static int add_name(const struct ctr_snapshot *snapshot, void *context, struct error *err)
{
	return names_set_add(context, snapshot->name, err);
}

static int add_owner(const struct ctr_snapshot *snapshot, void *context, struct error *err)
{
	const char *owner = labels_get(&snapshot->labels, LABEL_CONTAINER);

	if (!owner || target_name_is_valid(owner))
		return owner ? names_set_add(context, owner, err) : 0;
	log_warning("the snapshot '%s' is passed over: '%.100s' in its label " LABEL_CONTAINER
		    " cannot be a container's id",
		    snapshot->name, owner);
	return 0;
}

static int each_unfinished(struct session *session, const char *container_id, snapshotters_each_one each, void *context,
			   struct error *err)
{
	cleanup_free char *filter = unfinished_filter(container_id);

	return filter ? snapshotters_each(session, filter, each, context, err) : error_memory(err);
}

/* By the survey: a snapshot that was marked since then is left to the next run. */
static int find_surveyed(struct session *session, const char *container_id, struct names_set *names, struct error *err)
{
	size_t count;
	const struct survey_snapshot *one = survey_of(session->survey, container_id, &count);

	for (const struct survey_snapshot *end = one + count; one < end; one++) {
		cleanup_ctr_snapshot struct ctr_snapshot info = { 0 };
		int found = prune_is_unfinished(&one->info.labels)
				    ? ctr_snapshot_stat(session->ctr, one->snapshotter, one->info.name, &info, err)
				    : 0;

		if (found < 0 ||
		    (found > 0 && prune_is_unfinished(&info.labels) && names_set_add(names, info.name, err) < 0))
			return -1;
	}
	return 0;
}

static int find_unfinished(struct session *session, const char *container_id, struct names_set *names,
			   struct error *err)
{
	return session->survey ? find_surveyed(session, container_id, names, err)
			       : each_unfinished(session, container_id, add_name, names, err);
}

int prune_count_unfinished(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set names = { 0 };

	if (find_unfinished(session, container_id, &names, err) < 0)
		return -1;
	return (int)names.count;
}

/* What is to be finished. */
struct finish {
	struct inventory inventory;
	bool whole;       /* the whole history was to go, … */
	int32_t greatest; /* … up to this version; 0: not known */
	bool *goes;       /* one for each version */
	struct names_set given_up;
};

static void finish_release(struct finish *finish)
{
	inventory_release(&finish->inventory);
	free(finish->goes);
	names_set_release(&finish->given_up);
}

/* Where the whole history was to go, being the newest keeps no version: only one that was recorded since does. */
static bool is_needed(const struct finish *finish, const struct inventory_version *version)
{
	if (version->mounted_at || version->guard)
		return true;
	if (finish->whole)
		return finish->greatest > 0 && version->row.version > finish->greatest;
	return version->newest || version->current;
}

/* A mark whose version has become the newest, or the one the workspace stands on, is taken back. */
static int keep_needed(struct session *session, const struct names_set *chosen, struct finish *finish,
		       struct error *err)
{
	const struct inventory *inventory = &finish->inventory;
	cleanup_names_set struct names_set needed = { 0 };

	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		finish->goes[i] = names_set_has(chosen, version->row.runtime_name);
		if (finish->goes[i] && is_needed(finish, version) &&
		    names_set_add(&needed, version->row.runtime_name, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		if (!names_set_has(&needed, version->row.runtime_name))
			continue;
		finish->goes[i] = false;
		if (prune_unmark(session, version->snapshot, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < chosen->count; i++)
		if (!names_set_has(&needed, chosen->items[i]) &&
		    names_set_add(&finish->given_up, chosen->items[i], err) < 0)
			return -1;
	return 0;
}

/* What bears a mark, and what an interrupted run over the whole history had not come to. */
static int choose(struct session *session, const struct names_set *marked, struct finish *finish, struct error *err)
{
	cleanup_names_set struct names_set chosen = { 0 };

	finish->whole = prune_all_was_meant(&finish->inventory, marked, &finish->greatest);
	for (size_t i = 0; i < marked->count; i++)
		if (names_set_add(&chosen, marked->items[i], err) < 0)
			return -1;
	if (finish->whole && prune_all_add_unmarked(&finish->inventory, marked, finish->greatest, &chosen, err) < 0)
		return -1;
	return keep_needed(session, &chosen, finish, err);
}

static int finish_marked(struct session *session, const char *container_id, const struct names_set *marked,
			 struct error *err)
{
	__attribute__((cleanup(finish_release))) struct finish finish = { 0 };
	cleanup_target struct target target = { 0 };
	char operation_id[ID_SIZE];

	id_random(operation_id);
	if (prune_find_target(session, container_id, &target, err) < 0 ||
	    inventory_read(session, &target, &finish.inventory, err) < 0)
		return -1;
	finish.goes = calloc(finish.inventory.version_count + 1, sizeof(*finish.goes));
	if (!finish.goes)
		return error_memory(err);
	log_detail("finishing the removal of %zu versions of '%s'", marked->count, container_id);
	if (choose(session, marked, &finish, err) < 0 ||
	    prune_keep_others(session, container_id, &finish.inventory, finish.goes, err) < 0)
		return -1;
	if (finish.whole)
		return prune_all_finish(session, &target, &finish.inventory, finish.greatest, finish.goes,
					&finish.given_up, err);
	return prune_complete(session, container_id, operation_id, &finish.inventory, finish.goes, &finish.given_up,
			      err);
}

int prune_finish_locked(struct session *session, const char *container_id, struct error *err)
{
	const struct around_outcome done = { .exit_status = 0 };
	cleanup_names_set struct names_set marked = { 0 };

	if (!session->store)
		return 0;
	if (find_unfinished(session, container_id, &marked, err) < 0)
		return -1;
	if (marked.count && finish_marked(session, container_id, &marked, err) < 0)
		return -1;
	return around_settle(session, container_id, marked.count ? &done : NULL, err) < 0 ? -1 : 0;
}

/* How many were finished, -1 error. */
static int finish_one(struct session *session, const char *container_id, unsigned wait_s, struct error *err)
{
	const struct lock_request request = { .container_id = container_id, .what = "prune", .wait_s = wait_s };
	struct lock lock;
	int count;

	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	count = prune_count_unfinished(session, container_id, err);
	if (count > 0 && prune_finish_locked(session, container_id, err) < 0)
		count = -1;
	lock_release(&lock);
	return count;
}

int prune_finish(struct session *session, const char *container_id, prune_finished finished, void *context,
		 struct error *err)
{
	cleanup_names_set struct names_set containers = { 0 };
	struct failures failures = { 0 };

	if (each_unfinished(session, container_id, add_owner, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++) {
		struct error failure = { 0 };
		unsigned wait_s = container_id ? session->settings->wait_s : 0;
		int count = finish_one(session, containers.items[i], wait_s, &failure);

		if (count > 0 && finished(containers.items[i], count, context, err) < 0)
			return -1;
		if (count >= 0 || (!container_id && failure.kind == ERROR_BUSY))
			continue;
		failures_note(&failures, &failure);
	}
	return failures_first(&failures, err);
}
