#include "operation/sharers.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/names_set.h"
#include "base/text.h"
#include "ctr/containers.h"
#include "task/netns.h"
#include "workspace/label_keys.h"

/* The label by which a workspace server finds the companions of a bot's network. */
static int add_labelled(struct session *session, const struct record *record, struct names_set *ids, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers found = { 0 };
	cleanup_free char *filter = text_format("labels.\"%s\"~=\"(?i)^%s$\"", LABEL_NETWORK_BOT, record->bot_id);

	if (!filter)
		return error_memory(err);
	if (ctr_container_list(session->ctr, filter, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		if (names_set_add(ids, found.items[i].id, err) < 0)
			return -1;
	return 0;
}

/* cgroupfs: /NAMESPACE/ID; systemd: WORD-ID.scope. */
static char *container_of(const char *group)
{
	const char *end = strstr(group, ".scope"), *dash = end ? strchr(group, '-') : NULL;

	return dash && dash < end ? strndup(dash + 1, (size_t)(end - dash - 1)) : strdup(group);
}

static int add_running(struct session *session, const struct record *record, struct names_set *ids, struct error *err)
{
	cleanup_names_set struct names_set groups = { 0 };

	if (netns_groups((uint32_t)record->old_pid, &groups, err) < 0)
		return -1;
	for (size_t i = 0; i < groups.count; i++) {
		cleanup_free char *id = container_of(groups.items[i]);
		cleanup_ctr_container struct ctr_container container = { 0 };
		struct error ignored = { 0 };

		if (!id)
			return error_memory(err);
		if (text_is_identifier(id) && !names_set_has(ids, id) &&
		    ctr_container_get(session->ctr, id, &container, &ignored) == 0 && names_set_add(ids, id, err) < 0)
			return -1;
	}
	return 0;
}

void sharers_warn(struct session *session, const struct record *record)
{
	cleanup_names_set struct names_set ids = { 0 };
	struct error err = { 0 };

	if (record->old_pid == 0)
		return;
	if (add_labelled(session, record, &ids, &err) < 0 || add_running(session, record, &ids, &err) < 0)
		log_detail("who shares the network of '%s' cannot be told: %s", record->container_id, err.message);
	for (size_t i = 0; i < ids.count; i++)
		if (strcmp(ids.items[i], record->container_id) != 0)
			log_warning("'%s' shares the network of '%s', whose processes get a new one: it has to be "
				    "started again",
				    ids.items[i], record->container_id);
}
