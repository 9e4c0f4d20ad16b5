#include "prune/prune_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/host.h"
#include "workspace/label_keys.h"

/* --- which workspace ---------------------------------------------------------------------------------- */

static int add_labelled(struct session *session, const char *key, const char *value, struct names_set *ids,
			struct error *err)
{
	cleanup_free char *filter = text_format("labels.\"%s\"==\"%s\"", key, value);

	return filter ? host_add_labelled(session, filter, ids, err) : error_memory(err);
}

/* A container's id, or a bot's, that labels of snapshots know. */
static int find_labelled(struct session *session, const struct target_word *word, struct names_set *ids,
			 struct error *err)
{
	if (add_labelled(session, LABEL_CONTAINER, word->text, ids, err) < 0)
		return -1;
	return ids->count || !*word->bot_id ? 0 : add_labelled(session, LABEL_BOT_ID, word->bot_id, ids, err);
}

/* If only rows tell of it, another host may have it. */
static int check_is_here(struct session *session, const char *container_id, struct error *err)
{
	int here = session_open_state(session, err) < 0 ? -1 : host_has_container(session, container_id, err);

	if (here != 0 || session->settings->force)
		return here < 0 ? -1 : 0;
	error_set(err, ERROR_REFUSED, "nothing of '%s' is on this host: its history may be another host's",
		  container_id);
	return error_hint(err, "--force insists");
}

int prune_all_find(struct session *session, const struct target_word *word, struct target *target, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };
	struct error unknown = { 0 };

	if (target_resolve(session, word, false, target, &unknown) == 0)
		return check_is_here(session, target->container_id, err);
	if (unknown.kind != ERROR_NOT_FOUND) {
		*err = unknown;
		return -1;
	}
	if (find_labelled(session, word, &ids, err) < 0)
		return -1;
	if (ids.count == 1)
		return prune_find_target(session, ids.items[0], target, err);
	*err = unknown;
	if (ids.count == 0)
		return -1;
	error_set(err, ERROR_USAGE, "'%s' is the bot of %zu workspaces that the database does not know", word->text,
		  ids.count);
	return error_hint(err, "name one of them by its container id, such as '%s'", ids.items[0]);
}

/* --- which snapshots ---------------------------------------------------------------------------------- */

/* A state that gc.root keeps, or that nobody has given up yet: merged layers and writable ones are kept by what stands on
 * them alone, but for what a restore whose record is lost has saved. */
static bool is_state(const struct inventory_snapshot *snapshot, const char *container_id)
{
	const struct labels *labels = &snapshot->info.labels;
	const char *owner = labels_get(labels, LABEL_CONTAINER), *kind = labels_get(labels, LABEL_KIND);

	if (!owner || strcmp(owner, container_id) != 0 ||
	    (snapshot->info.kind != CTR_SNAPSHOT_COMMITTED && !(kind && strcmp(kind, KIND_FILLING) == 0)))
		return false;
	return labels_get(labels, LABEL_GC_ROOT) ||
	       (kind && strcmp(kind, KIND_VERSION) == 0 && !labels_get(labels, LABEL_GIVEN_UP));
}

int prune_all_choose(const struct inventory *inventory, const char *container_id, struct names_set *given_up,
		     struct error *err)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (inventory->versions[i].snapshot &&
		    names_set_add(given_up, inventory->versions[i].row.runtime_name, err) < 0)
			return -1;
	for (size_t i = 0; i < inventory->snapshot_count; i++)
		if (is_state(&inventory->snapshots[i], container_id) &&
		    names_set_add(given_up, inventory->snapshots[i].info.name, err) < 0)
			return -1;
	return 0;
}

/* --- the steps ---------------------------------------------------------------------------------------- */

/* Notes on the active snapshot, where there is one, the greatest number so far: the next one goes on from there, though
 * rows and events are gone. */
static int keep_number(struct session *session, const struct target *target, int32_t greatest, struct error *err)
{
	const struct ctr_container *container = &target->container;
	cleanup_free char *number = NULL;

	if (greatest == 0 || !target->present || !*container->snapshotter || !*container->snapshot_key)
		return 0;
	number = text_format("%d", greatest);
	if (!number)
		return error_memory(err);
	if (ctr_snapshot_set_label(session->ctr, container->snapshotter, container->snapshot_key, LABEL_LAST_VERSION,
				   number, err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1; /* the container has lost its active snapshot */
}

int prune_all_keep_number(struct session *session, const struct target *target, const struct inventory *inventory,
			  int32_t *greatest, struct error *err)
{
	int32_t label = inventory_greatest_label(inventory);

	if (store_version_greatest(session->store, target->container_id, greatest, err) < 0)
		return -1;
	*greatest = label > *greatest ? label : *greatest;
	return keep_number(session, target, *greatest, err);
}

int prune_all_begin(struct session *session, const struct inventory *inventory, const struct names_set *given_up,
		    struct error *err)
{
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (names_set_has(given_up, snapshot->info.name) && labels_get(&snapshot->info.labels, LABEL_KEPT) &&
		    ctr_snapshot_set_label(session->ctr, snapshot->snapshotter, snapshot->info.name, LABEL_KEPT, "",
					   err) < 0 &&
		    !error_forgive(err, ERROR_NOT_FOUND))
			return -1;
	}
	return 0;
}

/* 1: it is marked (or gone), 0: it stays, because it is another workspace's as well. */
static int mark_one(struct session *session, const char *container_id, const struct inventory_snapshot *snapshot,
		    int32_t greatest, struct error *err)
{
	int32_t before;

	if (prune_is_unfinished(&snapshot->info.labels) && prune_is_whole_mark(&snapshot->info.labels, &before))
		return 1;
	if (prune_mark(session, container_id, snapshot, greatest, err) == 0 || error_forgive(err, ERROR_NOT_FOUND))
		return 1;
	if (err->kind != ERROR_REFUSED)
		return -1;
	log_warning("'%s': %s; that stays", container_id, err->message);
	error_clear(err);
	return 0;
}

/* Those that have rows, or those that have none. */
static int mark_those(struct session *session, const char *container_id, const struct inventory *inventory,
		      const struct names_set *recorded, bool with_row, int32_t greatest,
		      const struct names_set *given_up, struct names_set *marked, struct error *err)
{
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];
		const char *name = snapshot->info.name;
		int done;

		if (!names_set_has(given_up, name) || names_set_has(recorded, name) != with_row)
			continue;
		done = mark_one(session, container_id, snapshot, greatest, err);
		if (done < 0)
			return marked->count ? prune_incomplete(container_id, err) : -1;
		if (done && names_set_add(marked, name, err) < 0)
			return -1;
	}
	return 0;
}

int prune_all_mark(struct session *session, const char *container_id, const struct inventory *inventory,
		   int32_t greatest, struct names_set *given_up, struct error *err)
{
	cleanup_names_set struct names_set marked = { 0 }, recorded = { 0 };

	for (size_t i = 0; i < inventory->version_count; i++)
		if (names_set_add(&recorded, inventory->versions[i].row.runtime_name, err) < 0)
			return -1;
	if (mark_those(session, container_id, inventory, &recorded, false, greatest, given_up, &marked, err) < 0 ||
	    mark_those(session, container_id, inventory, &recorded, true, greatest, given_up, &marked, err) < 0)
		return -1;
	names_set_release(given_up);
	*given_up = marked;
	marked = (struct names_set){ 0 };
	return 0;
}

/* --- going on with a run that was cut off -------------------------------------------------------------- */

bool prune_all_was_meant(const struct inventory *inventory, const struct names_set *marked, int32_t *greatest)
{
	bool meant = false;
	int32_t one;

	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (!names_set_has(marked, snapshot->info.name) || !prune_is_whole_mark(&snapshot->info.labels, &one))
			continue;
		*greatest = meant && *greatest < one ? *greatest : one;
		meant = true;
	}
	return meant;
}

/* A marked version that has its row: the run was cut off before it deleted any. */
static bool has_marked_row(const struct inventory *inventory, const struct names_set *marked)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (inventory->versions[i].snapshot && names_set_has(marked, inventory->versions[i].row.runtime_name))
			return true;
	return false;
}

int prune_all_add_unmarked(const struct inventory *inventory, const struct names_set *marked, int32_t greatest,
			   struct names_set *unmarked, struct error *err)
{
	if (!has_marked_row(inventory, marked))
		return 0;
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_version *version = &inventory->versions[i];

		if (version->row.version <= greatest && !names_set_has(marked, version->row.runtime_name) &&
		    !(version->snapshot && labels_get(&version->snapshot->info.labels, LABEL_KEPT)) &&
		    names_set_add(unmarked, version->row.runtime_name, err) < 0)
			return -1;
	}
	return 0;
}

/* Whether anything of the history outlives it. */
static bool something_stays(const struct inventory *inventory, const char *container_id, const bool *goes,
			    const struct names_set *given_up)
{
	for (size_t i = 0; i < inventory->version_count; i++)
		if (!goes[i])
			return true;
	for (size_t i = 0; i < inventory->snapshot_count; i++) {
		const struct inventory_snapshot *snapshot = &inventory->snapshots[i];

		if (is_state(snapshot, container_id) && !names_set_has(given_up, snapshot->info.name))
			return true;
	}
	return false;
}

int prune_all_finish(struct session *session, const struct target *target, const struct inventory *inventory,
		     int32_t greatest, const bool *goes, struct names_set *given_up, struct error *err)
{
	const char *container_id = target->container_id;
	char operation_id[ID_SIZE];
	int32_t number;

	id_random(operation_id);
	if (prune_all_keep_number(session, target, inventory, &number, err) < 0 ||
	    prune_all_mark(session, container_id, inventory, greatest, given_up, err) < 0)
		return -1;
	if (something_stays(inventory, container_id, goes, given_up))
		return prune_complete(session, container_id, operation_id, inventory, goes, given_up, err);
	return prune_complete_all(session, target, operation_id, inventory, given_up, err);
}
