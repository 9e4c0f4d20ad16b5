#include "doctor/doctor_subjects.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fork/fork_finish.h"
#include "store/workspaces.h"
#include "workspace/host.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"
#include "workspace/survey.h"

static int add_rows(struct session *session, struct names_set *ids, struct error *err)
{
	cleanup_store_workspaces struct store_workspaces rows = { 0 };

	if (store_workspace_list(session->store, &rows, err) < 0)
		return -1;
	for (size_t i = 0; i < rows.count; i++) {
		const char *id = rows.items[i].container_id;
		int ours = target_name_is_valid(id) ? host_has_worked_on(session, id, err) : 0;

		if (ours > 0 && !rows.items[i].fault)
			ours = host_has_row(session, &rows.items[i], err);

		if (ours < 0 || (ours > 0 && names_set_add(ids, id, err) < 0))
			return -1;
	}
	return 0;
}

static int add_journalled(const char *container_id, void *context, struct error *err)
{
	return names_set_add(context, container_id, err);
}

static int add_surveyed(const struct survey *survey, struct names_set *ids, struct error *err)
{
	for (size_t i = 0; i < survey->count; i++) {
		const char *owner = survey->snapshots[i].owner;

		/* They follow each other. */
		if ((i == 0 || strcmp(owner, survey->snapshots[i - 1].owner) != 0) && target_name_is_valid(owner) &&
		    names_set_add(ids, owner, err) < 0)
			return -1;
	}
	return 0;
}

/* One that was cut off may have made nothing yet but its lease. */
static int add_forks(struct session *session, struct names_set *ids, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct fork_lease fork;

	if (ctr_lease_list(session->ctr, FORK_LEASES, &leases, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++)
		if (fork_lease_read(&leases.items[i], &fork) && target_name_is_valid(fork.container_id) &&
		    names_set_add(ids, fork.container_id, err) < 0)
			return -1;
	return 0;
}

int doctor_find_workspaces(struct session *session, struct names_set *ids, struct error *err)
{
	int found;

	if (session_open_state(session, err) < 0 || add_rows(session, ids, err) < 0 || add_forks(session, ids, err) < 0)
		return -1;
	found = session->survey ? add_surveyed(session->survey, ids, err)
				: host_add_labelled(session, "labels.\"" LABEL_CONTAINER "\"", ids, err);
	return found < 0 ? -1 : journal_each(session, add_journalled, ids, err);
}

/* A bot whose rows are lost and whose container is gone is still named by the labels of its snapshots. */
static int find_bot(struct session *session, const struct target_word *word, struct names_set *ids, struct error *err)
{
	cleanup_free char *filter = NULL;

	if (!*word->bot_id)
		return 0;
	filter = text_format("labels.\"" LABEL_BOT_ID "\"==\"%s\"", word->bot_id);
	if (!filter)
		return error_memory(err);
	if (host_add_labelled(session, filter, ids, err) < 0)
		return -1;
	if (ids->count < 2)
		return 0;
	error_set(err, ERROR_USAGE, "'%s' is the bot of %zu workspaces that the database does not know", word->text,
		  ids->count);
	return error_hint(err, "name one of them by its container id, such as '%s'", ids->items[0]);
}

int doctor_find_target(struct session *session, const struct target_word *word, struct names_set *ids,
		       struct error *err)
{
	cleanup_target struct target target = { 0 };

	if (session_open_state(session, err) < 0)
		return -1;
	if (target_resolve(session, word, false, &target, err) == 0)
		return names_set_add(ids, target.container_id, err);
	if (!error_forgive(err, ERROR_NOT_FOUND))
		return -1;
	if (find_bot(session, word, ids, err) < 0)
		return -1;
	if (ids->count == 1)
		return 0;
	/* Neither containerd nor the database knows it, but its snapshots or a record may. */
	if (doctor_find_workspaces(session, ids, err) < 0)
		return -1;
	if (!names_set_has(ids, word->text))
		return error_set(err, ERROR_NOT_FOUND, "nothing is left of a workspace '%s'", word->text);
	names_set_release(ids);
	error_clear(err);
	return names_set_add(ids, word->text, err);
}
