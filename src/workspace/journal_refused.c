/* Records whose rows the database has refused: kept beside the others until it takes them. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "workspace/journal.h"
#include "workspace/record_file.h"

static char *file_name(const struct session *session, const struct record *record, struct error *err)
{
	char *name = text_format("%s~%s~%s" JOURNAL_REFUSED, session->settings->namespace, record->container_id,
				 record->operation_id);

	if (!name)
		error_memory(err);
	return name;
}

int journal_set_aside(struct session *session, const struct record *record, struct error *err)
{
	cleanup_free char *name = file_name(session, record, err);

	return name ? record_file_write(session->state_dir, name, record, err) : -1;
}

int journal_take_up(struct session *session, const struct record *record, struct error *err)
{
	cleanup_free char *name = file_name(session, record, err);

	return name ? file_remove(session->state_dir, name, err) : -1;
}

struct refused {
	struct record *items;
	size_t count;
};

static void refused_release(struct refused *refused)
{
	for (size_t i = 0; i < refused->count; i++)
		record_release(&refused->items[i]);
	free(refused->items);
}

static bool is_wanted(const struct session *session, const char *container_id, const char *file)
{
	size_t namespace = strlen(session->settings->namespace), length = strlen(file), end = strlen(JOURNAL_REFUSED);
	const char *id = file + namespace + 1;

	if (length <= namespace + 1 + end || strncmp(file, session->settings->namespace, namespace) != 0 ||
	    file[namespace] != '~' || strcmp(file + length - end, JOURNAL_REFUSED) != 0)
		return false;
	return !container_id ||
	       (strncmp(id, container_id, strlen(container_id)) == 0 && id[strlen(container_id)] == '~');
}

/* Adds the record in the file; a file that was removed meanwhile is passed over. */
static int add_record(const struct session *session, const char *file, struct refused *refused, struct error *err)
{
	cleanup_record struct record record = { 0 };
	struct error problem = { 0 };
	struct record *grown;
	int found = record_file_read(session->state_dir, file, &record, &problem);

	if (found < 0)
		log_warning("the record '%s/%s', whose rows the database refused, cannot be read: %s",
			    session->settings->state_dir, file, problem.message);
	if (found != 0)
		return 0;
	grown = realloc(refused->items, (refused->count + 1) * sizeof(*grown));
	if (!grown)
		return error_memory(err);
	refused->items = grown;
	refused->items[refused->count++] = record;
	record = (struct record){ 0 };
	return 0;
}

static int by_age(const void *a, const void *b)
{
	const struct record *first = a, *second = b;

	return (first->created_ns > second->created_ns) - (first->created_ns < second->created_ns);
}

int journal_each_refused(struct session *session, const char *container_id, journal_each_record each, void *context,
			 struct error *err)
{
	__attribute__((cleanup(refused_release))) struct refused refused = { 0 };
	struct dirent **names = NULL;
	int count = scandirat(session->state_dir, ".", &names, NULL, alphasort), result = 0;

	if (count < 0)
		return error_errno(err, ERROR_FAILED, errno, "the state directory '%s' cannot be read",
				   session->settings->state_dir);
	for (int i = 0; i < count; i++) {
		if (result == 0 && is_wanted(session, container_id, names[i]->d_name))
			result = add_record(session, names[i]->d_name, &refused, err);
		free(names[i]);
	}
	free(names);
	if (refused.count > 0)
		qsort(refused.items, refused.count, sizeof(*refused.items), by_age);
	for (size_t i = 0; i < refused.count && result == 0; i++)
		result = each(&refused.items[i], context, err);
	return result;
}
