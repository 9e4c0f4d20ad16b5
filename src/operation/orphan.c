#include "operation/orphan.h"

#include <string.h>

#include "base/cleanup.h"

static bool is(const char *snapshot_key, const char *name)
{
	return name && strcmp(snapshot_key, name) == 0;
}

static bool is_ours(const struct record *record, const char *snapshot_key)
{
	return is(snapshot_key, record->old_active) || is(snapshot_key, record->new_active) ||
	       is(snapshot_key, record->turned_from) || is(snapshot_key, record->back_active);
}

bool orphan_judge(struct run *run, const struct ctr_container *container)
{
	const struct record *record = run->record;

	/* Another container of the same id may even have a snapshot of the same name, as ctr's have. */
	if (record->container_ns != 0 && record->container_ns != container->created_ns)
		run->found = FOUND_REMADE;
	/* Once the operation has brought it up again, anybody may put it on another snapshot. */
	else if ((record->stage != STAGE_UP || record->pending == PENDING_START) &&
		 !is_ours(record, container->snapshot_key))
		run->found = FOUND_TAKEN;
	else
		return true;
	return false;
}

const char *orphan_words(const struct run *run)
{
	switch (run->found) {
	case FOUND_GONE:
		return "the container was removed by somebody";
	case FOUND_REMADE:
		return "the container was removed by somebody, and another one made";
	case FOUND_TAKEN:
		return "somebody gave the container another snapshot";
	case FOUND_AS_BEGUN:
	case FOUND_REPOINTED:
		break;
	}
	return "the container is what it was";
}

int orphan_check(struct run *run, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	int found = ctr_container_find(run->session->ctr, run->record->container_id, &container, err);

	if (found < 0)
		return -1;
	if (found > 0 && orphan_judge(run, &container))
		return 0;
	if (found == 0)
		run->found = FOUND_GONE;
	return error_set(err, ERROR_FAILED, "'%s': %s", run->record->container_id, orphan_words(run));
}
