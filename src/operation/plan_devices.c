#include "operation/plan_devices.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "device/device.h"
#include "store/workspaces.h"
#include "workspace/label_keys.h"

#define DIRS_LIMIT 16

static int find_names(struct session *session, const struct ctr_container *container, const struct record *record,
		      char ***names, size_t *count, struct error *err)
{
	const char *label = labels_get(&container->labels, LABEL_DEVICES);
	cleanup_free char *metadata = NULL;
	int found;

	/* An empty label counts as none: whoever wants no devices empties the bot's metadata as well. */
	if (label && (device_names_parse(label, names, count, err) < 0 || *count > 0))
		return *count > 0 ? 0 : -1;
	device_names_free(*names, *count);
	*names = NULL;
	found = store_bot_metadata(session->store, record->bot_id, &metadata, err);
	if (found <= 0)
		return found;
	return device_names_from_metadata(metadata, names, count, err);
}

/* The setting cdi_dirs, split at its colons, ended by NULL; `copy` holds the strings. */
static const char *const *split_dirs(char *copy, const char **dirs)
{
	size_t count = 0;
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ":")) && count < DIRS_LIMIT)
		if (*dir)
			dirs[count++] = dir;
	dirs[count] = NULL;
	return dirs;
}

static int keep_specs(const struct ctr_container *container, char *edited, struct record *record, struct error *err)
{
	record->new_spec = edited;
	record->old_spec = strndup(container->spec.value, container->spec.length);
	record->spec_type = strdup(container->spec.type_url ? container->spec.type_url : "");
	return record->old_spec && record->spec_type ? 0 : error_memory(err);
}

static int edit_spec(struct session *session, const struct ctr_container *container, struct record *record,
		     struct error *err)
{
	cleanup_free char *copy = strdup(session->settings->cdi_dirs);
	const char *dirs[DIRS_LIMIT + 1];
	char **names = NULL, *edited = NULL;
	size_t count = 0;
	int result;

	if (!copy)
		return error_memory(err);
	if (find_names(session, container, record, &names, &count, err) < 0)
		return -1;
	result = device_edit_spec(container->spec.value, container->spec.length, split_dirs(copy, dirs), names, count,
				  &edited, err);
	device_names_free(names, count);
	return result == 0 && edited ? keep_specs(container, edited, record, err) : result;
}

/* Errors that are about a device, not about the database or memory. */
static bool is_about_devices(const struct error *err)
{
	return err->kind == ERROR_NOT_FOUND || err->kind == ERROR_USAGE || err->kind == ERROR_FAILED;
}

int plan_devices(struct session *session, const struct ctr_container *container, struct record *record,
		 struct error *err)
{
	bool stopped = record->state == CTR_TASK_NONE;

	if (edit_spec(session, container, record, err) == 0)
		return 0;
	error_wrap(err, "the devices of '%s'", record->container_id);
	if (!is_about_devices(err) || (!stopped && !session->settings->force))
		return -1;
	log_warning("%s; %s", err->message,
		    stopped ? "what is not running is saved without them" : "it goes on with those of its spec");
	error_clear(err);
	return 0;
}
