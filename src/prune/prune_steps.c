#include "prune/prune_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/snapshot_labels.h"
#include "workspace/version_label.h"

/* What a mark begins with where the whole history goes. */
#define WHOLE "all "

/* Room for a version's number and the space before it. */
#define NUMBER_SIZE 16

int prune_find_target(struct session *session, const char *container_id, struct target *target, struct error *err)
{
	if (target_find(session, container_id, target, err) == 0)
		return 0;
	if (!error_forgive(err, ERROR_NOT_FOUND))
		return -1;
	target->container_id = strdup(container_id);
	return target->container_id ? 0 : error_memory(err);
}

static int set_label(struct session *session, const struct inventory_snapshot *snapshot, const char *key,
		     const char *value, struct error *err)
{
	return ctr_snapshot_set_label(session->ctr, snapshot->snapshotter, snapshot->info.name, key, value, err);
}

static bool is_anothers(const struct inventory_snapshot *snapshot, const char *container_id)
{
	const char *owner = labels_get(&snapshot->info.labels, LABEL_CONTAINER);

	return owner && strcmp(owner, container_id) != 0;
}

/* Without a label the rows say whose it is, and several workspaces may have rows for it. */
static int check_owner(struct session *session, const char *container_id, const struct inventory_snapshot *snapshot,
		       struct error *err)
{
	cleanup_free char *other = NULL;
	int found;

	if (labels_get(&snapshot->info.labels, LABEL_CONTAINER))
		return is_anothers(snapshot, container_id)
			       ? error_set(err, ERROR_REFUSED, "its snapshot '%s' is that of '%s'", snapshot->info.name,
					   labels_get(&snapshot->info.labels, LABEL_CONTAINER))
			       : 0;
	found = store_snapshot_other(session->store, container_id, snapshot->info.name, &other, err);
	if (found > 0)
		return error_set(err, ERROR_REFUSED, "its snapshot '%s' is in the database as that of '%s' as well",
				 snapshot->info.name, other);
	return found;
}

/* A snapshot of another tool has neither of the labels by which the mark is found again, so these are set first. */
int prune_mark(struct session *session, const char *container_id, const struct inventory_snapshot *snapshot,
	       int32_t greatest, struct error *err)
{
	const struct labels *labels = &snapshot->info.labels;
	char now[CLOCK_TEXT_SIZE], mark[sizeof(now) + sizeof(WHOLE) + NUMBER_SIZE];

	if (check_owner(session, container_id, snapshot, err) < 0)
		return -1;
	clock_format(clock_unix_ns(), now);
	if (!labels_get(labels, LABEL_CONTAINER) &&
	    set_label(session, snapshot, LABEL_CONTAINER, container_id, err) < 0)
		return -1;
	if (!labels_get(labels, LABEL_GC_ROOT) && set_label(session, snapshot, LABEL_GC_ROOT, now, err) < 0)
		return -1;
	if (greatest == PRUNE_ALONE)
		return set_label(session, snapshot, LABEL_GIVEN_UP, now, err);
	snprintf(mark, sizeof(mark), WHOLE "%s %d", now, greatest);
	return set_label(session, snapshot, LABEL_GIVEN_UP, mark, err);
}

bool prune_is_unfinished(const struct labels *labels)
{
	return labels_get(labels, LABEL_GIVEN_UP) && labels_get(labels, LABEL_GC_ROOT);
}

bool prune_is_whole_mark(const struct labels *labels, int32_t *greatest)
{
	const char *mark = labels_get(labels, LABEL_GIVEN_UP), *number;

	if (!mark || !text_starts_with(mark, WHOLE))
		return false;
	number = strchr(mark + strlen(WHOLE), ' ');
	*greatest = version_label_parse(number ? number + 1 : NULL);
	return true;
}

int prune_unmark(struct session *session, const struct inventory_snapshot *snapshot, struct error *err)
{
	return snapshot ? set_label(session, snapshot, LABEL_GIVEN_UP, "", err) : 0;
}

int prune_keep_others(struct session *session, const char *container_id, const struct inventory *inventory,
		      const bool *goes, struct error *err)
{
	for (size_t i = 0; i < inventory->version_count; i++) {
		const struct inventory_snapshot *snapshot = inventory->versions[i].snapshot;

		if (!goes[i] && snapshot && snapshot_labels_lack_root(&snapshot->info.labels, container_id) &&
		    snapshot_labels_keep(session, snapshot->snapshotter, snapshot->info.name, err) < 0)
			return -1;
	}
	return 0;
}

static int delete_rows(struct session *session, const char *container_id, const char *operation_id,
		       const struct inventory *inventory, const bool *goes, struct error *err)
{
	cleanup_free int32_t *numbers = calloc(inventory->version_count + 1, sizeof(*numbers));
	size_t count = 0;

	if (!numbers)
		return error_memory(err);
	for (size_t i = 0; i < inventory->version_count; i++)
		if (goes[i])
			numbers[count++] = inventory->versions[i].row.version;
	if (count == 0)
		return 0;
	return store_versions_delete(session->store, container_id, numbers, count, operation_id, err);
}

/* A snapshot that somebody has removed meanwhile needs no label. */
static int let_go(struct session *session, const char *container_id, const struct inventory *inventory,
		  const char *name, struct error *err)
{
	for (size_t i = 0; i < inventory->snapshotters.count; i++) {
		const struct inventory_snapshot *snapshot =
			inventory_find(inventory, inventory->snapshotters.items[i], name);

		if (!snapshot || is_anothers(snapshot, container_id) ||
		    set_label(session, snapshot, LABEL_GC_ROOT, "", err) == 0)
			continue;
		if (!error_forgive(err, ERROR_NOT_FOUND))
			return -1;
	}
	return 0;
}

int prune_incomplete(const char *container_id, struct error *err)
{
	err->kind = ERROR_INCOMPLETE;
	error_wrap(err, "versions of '%s' are marked to go, and not gone yet", container_id);
	return error_hint(err, "'wsnap recover %s' does the rest", container_id);
}

/* If the server has answered, it has refused and keeps the rows, so the marks come off. If it has not, nobody knows
 * what it did, and the marks stay for the next run. A marked snapshot whose row went earlier stays marked. */
static int take_back(struct session *session, const char *container_id, const struct inventory *inventory,
		     const bool *goes, struct error *err)
{
	struct error failure = { 0 };

	if (!store_has_refused(session->store))
		return prune_incomplete(container_id, err);
	for (size_t i = 0; i < inventory->version_count; i++)
		if (goes[i] && prune_unmark(session, inventory->versions[i].snapshot, &failure) < 0)
			return prune_incomplete(container_id, err);
	return error_wrap(err, "no version of '%s' went", container_id);
}

struct refused {
	struct session *session;
	const struct names_set *given_up;
	bool whole;
};

static int drop_one(const struct record *record, void *context, struct error *err)
{
	const struct refused *refused = context;
	bool goes = record_makes_version(record) ? names_set_has(refused->given_up, record->saved) : refused->whole;

	return goes ? journal_take_up(refused->session, record, err) : 0;
}

/* Rows that the database has refused to take of what goes: recovery would write them yet. */
static int drop_refused(struct session *session, const char *container_id, const struct names_set *given_up, bool whole,
			struct error *err)
{
	struct refused refused = { .session = session, .given_up = given_up, .whole = whole };

	if (!whole && given_up->count == 0)
		return 0;
	return journal_each_refused(session, container_id, drop_one, &refused, err);
}

static int let_all_go(struct session *session, const char *container_id, const struct inventory *inventory,
		      const struct names_set *given_up, bool whole, struct error *err)
{
	if (drop_refused(session, container_id, given_up, whole, err) < 0)
		return prune_incomplete(container_id, err);
	for (size_t i = 0; i < given_up->count; i++)
		if (let_go(session, container_id, inventory, given_up->items[i], err) < 0)
			return prune_incomplete(container_id, err);
	return 0;
}

int prune_complete(struct session *session, const char *container_id, const char *operation_id,
		   const struct inventory *inventory, const bool *goes, const struct names_set *given_up,
		   struct error *err)
{
	if (delete_rows(session, container_id, operation_id, inventory, goes, err) < 0)
		return given_up->count ? take_back(session, container_id, inventory, goes, err) : -1;
	return let_all_go(session, container_id, inventory, given_up, false, err);
}

int prune_complete_all(struct session *session, const struct target *target, const char *operation_id,
		       const struct inventory *inventory, const struct names_set *given_up, struct error *err)
{
	const char *id = target->container_id;

	if (store_history_delete(session->store, id, !target->present, operation_id, err) < 0)
		return given_up->count ? prune_incomplete(id, err) : -1;
	return let_all_go(session, id, inventory, given_up, true, err);
}
