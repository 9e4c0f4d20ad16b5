#include "workspace/selection.h"

#include <string.h>

#include "ctr/containers.h"
#include "workspace/workspaces.h"

int selection_check_filter(const char *filter, struct error *err)
{
	if (*filter && *filter != '=')
		return 0;
	return error_set(err, ERROR_USAGE, "'%.100s' names no label: a filter is LABEL or LABEL=VALUE", filter);
}

/* Labels may hold any character but '=' in their keys; values may hold all. */
static bool holds(const char *filter, const struct labels *labels)
{
	size_t length = strcspn(filter, "=");

	for (size_t i = 0; i < labels->count; i++) {
		const struct label *label = &labels->items[i];

		if (strlen(label->key) == length && memcmp(label->key, filter, length) == 0)
			return !filter[length] || strcmp(label->value, filter + length + 1) == 0;
	}
	return false;
}

bool selection_matches(const struct label_filters *filters, const struct labels *labels)
{
	for (size_t i = 0; i < filters->count; i++)
		if (!holds(filters->items[i], labels))
			return false;
	return true;
}

struct choosing {
	const struct selection *selection;
	struct names_set *ids;
};

static int choose_workspace(const struct workspace *workspace, void *context, struct error *err)
{
	struct choosing *choosing = context;

	if (workspace->row->versions == 0 ||
	    !selection_matches(&choosing->selection->filters, &workspace->container->labels))
		return 0;
	return names_set_add(choosing->ids, workspace->row->container_id, err);
}

static int choose_containers(struct session *session, const struct choosing *choosing, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };

	if (ctr_container_list(session->ctr, NULL, &containers, err) < 0)
		return -1;
	for (size_t i = 0; i < containers.count; i++)
		if (selection_matches(&choosing->selection->filters, &containers.items[i].labels) &&
		    names_set_add(choosing->ids, containers.items[i].id, err) < 0)
			return -1;
	return 0;
}

static int choose_words(struct session *session, const struct choosing *choosing, struct error *err)
{
	const struct selection *selection = choosing->selection;

	for (size_t i = 0; i < selection->word_count; i++) {
		cleanup_target struct target target = { 0 };
		struct error unknown = { 0 };
		const struct target_word *word = &selection->words[i];
		bool known = target_resolve(session, word, false, &target, &unknown) == 0;

		if (names_set_add(choosing->ids, known ? target.container_id : word->text, err) < 0)
			return -1;
	}
	return 0;
}

int selection_make(struct session *session, const struct selection *selection, struct names_set *ids, struct error *err)
{
	struct choosing choosing = { .selection = selection, .ids = ids };

	if (selection->word_count)
		return choose_words(session, &choosing, err);
	if (selection->all && session_need_store(session, err) < 0)
		return -1;
	if (selection->all)
		return workspaces_each(session, choose_workspace, &choosing, err);
	return choose_containers(session, &choosing, err);
}
