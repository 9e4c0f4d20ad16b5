/* From what a VERSION says to the version that is meant. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "workspace/history.h"
#include "workspace/lineage.h"

/* The container as it stands, for what it stands on. One that is gone stands on nothing. */
static int find_target(struct session *session, const char *container_id, struct target *target, struct error *err)
{
	int found;

	target->container_id = strdup(container_id);
	if (!target->container_id)
		return error_memory(err);
	found = ctr_container_find(session->ctr, container_id, &target->container, err);
	target->present = found > 0;
	return found < 0 ? -1 : 0;
}

static int stands_on_none(const char *container_id, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "'%s' stands on no version", container_id);
	return error_hint(err, "'wsnap list %s' shows its versions", container_id);
}

static int no_such(const char *container_id, const struct version_word *word, struct error *err)
{
	if (word->text)
		error_set(err, ERROR_NOT_FOUND, "'%s' is not a version of '%s'", word->text, container_id);
	else
		error_set(err, ERROR_NOT_FOUND, "'%d' is not a version of '%s'", word->number, container_id);
	return error_hint(err, "'wsnap list %s' shows its versions", container_id);
}

static int too_far(const char *container_id, int32_t back, int32_t reached, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND,
		  "'@-%d' is not a version of '%s': only %d came before the one that it stands on", back, container_id,
		  reached);
	return error_hint(err, "'wsnap list %s' shows its versions", container_id);
}

static int find_back(struct session *session, const char *container_id, const char *stands_on, int32_t back,
		     struct store_version *row, struct error *err)
{
	cleanup_lineage struct lineage lineage = { 0 };
	struct lineage_entry *at;
	int found = 1;

	if (lineage_read(session, container_id, &lineage, err) < 0)
		return -1;
	at = lineage_find(&lineage, stands_on);
	if (!at || !at->snapshotter)
		return stands_on_none(container_id, err);
	for (int32_t i = 0; i < back; i++) {
		found = lineage_parent(&lineage, at, &at, err);
		if (found < 0)
			return -1;
		if (found == 0)
			return too_far(container_id, back, i, err);
	}
	return store_version_by_number(session->store, container_id, at->version, row, err);
}

static int find_place(struct session *session, const char *container_id, int32_t back, struct store_version *row,
		      struct error *err)
{
	cleanup_target struct target target = { 0 };
	cleanup_free char *stands_on = NULL;
	int found;

	if (find_target(session, container_id, &target, err) < 0)
		return -1;
	found = history_stands_on(session, &target, &stands_on, err);
	if (found < 0)
		return -1;
	if (found == 0 || !*stands_on)
		return stands_on_none(container_id, err);
	return find_back(session, container_id, stands_on, back, row, err);
}

static int find_then(struct session *session, const char *container_id, const struct version_word *word,
		     struct store_version *row, struct error *err)
{
	int found = store_version_at(session->store, container_id, version_word_time(word, clock_unix_ns()), row, err);

	if (found != 0)
		return found;
	error_set(err, ERROR_NOT_FOUND, "'%s' is not a version of '%s': it has none that old", word->text,
		  container_id);
	return error_hint(err, "'wsnap list %s' shows its versions", container_id);
}

static int find(struct session *session, const char *container_id, const struct version_word *word,
		struct store_version *row, struct error *err)
{
	switch (word->kind) {
	case VERSION_WORD_NAME:
		return store_version_by_name(session->store, container_id, word->name, row, err);
	case VERSION_WORD_BACK:
		return find_place(session, container_id, word->number, row, err);
	case VERSION_WORD_AGE:
	case VERSION_WORD_TIME:
		return find_then(session, container_id, word, row, err);
	case VERSION_WORD_NUMBER:
		break;
	}
	return store_version_by_number(session->store, container_id, word->number, row, err);
}

int history_find(struct session *session, const char *container_id, const struct version_word *version,
		 struct store_version *row, struct error *err)
{
	int found = find(session, container_id, version, row, err);

	if (found == 0)
		return no_such(container_id, version, err);
	return found < 0 ? -1 : 0;
}
