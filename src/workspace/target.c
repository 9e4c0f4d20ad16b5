#include "workspace/target.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/workspaces.h"
#include "workspace/label_keys.h"

/* Names that workspace servers give: a prefix and the bot's id. */
static const char *const bot_prefixes[] = { "workspace-", "mcp-" };

bool target_name_is_valid(const char *text)
{
	return text_is_identifier(text);
}

/* The row of a container: 1, 0, -1; without a database there is none. */
static int get_row(struct session *session, const char *container_id, struct store_workspace *row, struct error *err)
{
	if (!session->store)
		return 0;
	return store_workspace_of_container(session->store, container_id, row, err);
}

int target_derive_bot(struct session *session, const char *container_id, const char *label, char bot_id[static ID_SIZE],
		      struct error *err)
{
	cleanup_free char *name = NULL;

	if (label && id_parse(label, bot_id))
		return 1;
	for (size_t i = 0; i < sizeof(bot_prefixes) / sizeof(*bot_prefixes); i++)
		if (text_starts_with(container_id, bot_prefixes[i]) &&
		    id_parse(container_id + strlen(bot_prefixes[i]), bot_id))
			return 1;
	name = text_format("%s/%s", session->settings->namespace, container_id);
	if (!name)
		return error_memory(err);
	id_of_name(name, bot_id);
	return 0;
}

static int no_container(struct session *session, const char *id, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "'%s' is not a container that containerd has in the namespace '%s'", id,
		  session->settings->namespace);
	return error_hint(err, "'wsnap list' shows the workspaces; -n chooses another namespace");
}

static int resolve_container(struct session *session, const char *id, bool must_exist, struct target *target,
			     struct error *err)
{
	cleanup_store_workspace struct store_workspace row = { 0 };
	int present = ctr_container_find(session->ctr, id, &target->container, err), known;

	if (present < 0)
		return -1;
	if (!present && must_exist)
		return no_container(session, id, err);
	known = get_row(session, id, &row, err);
	if (known < 0)
		return -1;
	if (!present && !known)
		return no_container(session, id, err);
	target->present = present;
	target->container_id = strdup(id);
	if (!target->container_id)
		return error_memory(err);
	if (!known)
		return target_derive_bot(session, id, labels_get(&target->container.labels, LABEL_BOT), target->bot_id,
					 err) < 0
			       ? -1
			       : 0;
	memcpy(target->bot_id, row.bot_id, ID_SIZE);
	return 0;
}

/* The newest container that bears the bot's label, in capitals or not: its id (caller frees), or NULL with *failed
 * telling none from an error. */
static char *find_labelled(struct session *session, const char *bot_id, bool *failed, struct error *err)
{
	cleanup_ctr_containers struct ctr_containers containers = { 0 };
	cleanup_free char *filter = text_format("labels.\"%s\"~=\"(?i)^%s$\"", LABEL_BOT, bot_id);
	const struct ctr_container *newest = NULL;
	char *id;

	*failed = true;
	if (!filter || ctr_container_list(session->ctr, filter, &containers, err) < 0) {
		if (!filter)
			error_memory(err);
		return NULL;
	}
	for (size_t i = 0; i < containers.count; i++)
		if (!newest || containers.items[i].created_ns > newest->created_ns)
			newest = &containers.items[i];
	id = newest ? strdup(newest->id) : NULL;
	*failed = newest && !id;
	if (*failed)
		error_memory(err);
	return id;
}

static int no_bot(struct session *session, const char *bot_id, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "'%s' is not a bot with a container in the namespace '%s'", bot_id,
		  session->settings->namespace);
	return error_hint(err, "'wsnap list' shows the workspaces; -n chooses another namespace");
}

/* The container of a bot by its label or its name. NULL: see find_labelled. */
static char *find_bots_container(struct session *session, const char *bot_id, bool *failed, struct error *err)
{
	char *id = find_labelled(session, bot_id, failed, err);

	if (id || *failed)
		return id;
	for (size_t i = 0; i < sizeof(bot_prefixes) / sizeof(*bot_prefixes); i++) {
		cleanup_ctr_container struct ctr_container container = { 0 };
		cleanup_free char *name = text_format("%s%s", bot_prefixes[i], bot_id);
		int present = name ? ctr_container_find(session->ctr, name, &container, err) : error_memory(err);

		*failed = present < 0;
		if (present != 0)
			return present > 0 ? steal_pointer(name) : NULL;
	}
	return NULL;
}

static int resolve_bot(struct session *session, const struct target_word *word, bool must_exist, struct target *target,
		       struct error *err)
{
	const char *bot_id = word->bot_id;
	cleanup_store_workspace struct store_workspace row = { 0 };
	cleanup_free char *id = NULL;
	bool failed;
	int known = session->store ? store_workspace_of_bot(session->store, bot_id, &row, err) : 0;

	if (known < 0)
		return -1;
	if (known)
		return resolve_container(session, row.container_id, must_exist, target, err);
	id = find_bots_container(session, bot_id, &failed, err);
	if (failed)
		return -1;
	if (id)
		return resolve_container(session, id, must_exist, target, err);
	/* Nothing says that a container's id cannot look like a UUID. */
	if (resolve_container(session, word->text, must_exist, target, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? no_bot(session, bot_id, err) : -1;
	return 0;
}

int target_word_parse(const char *text, struct target_word *word, struct error *err)
{
	*word = (struct target_word){ .text = text };
	if (!target_name_is_valid(text))
		return error_set(err, ERROR_USAGE, "'%.100s' can be neither a container id nor a bot id", text);
	if (!id_parse(text, word->bot_id))
		*word->bot_id = '\0';
	return 0;
}

int target_resolve(struct session *session, const struct target_word *word, bool must_exist, struct target *target,
		   struct error *err)
{
	int result;

	*target = (struct target){ 0 };
	if (*word->bot_id)
		result = resolve_bot(session, word, must_exist, target, err);
	else
		result = resolve_container(session, word->text, must_exist, target, err);
	if (result < 0)
		target_release(target);
	return result;
}

int target_find(struct session *session, const char *container_id, struct target *target, struct error *err)
{
	struct target_word word;

	*target = (struct target){ 0 };
	if (target_word_parse(container_id, &word, err) < 0)
		return -1;
	return target_resolve(session, &word, false, target, err);
}

static int is_in_namespace(struct session *session, const char *namespace, const char *id, struct error *err)
{
	cleanup_ctr_container struct ctr_container container = { 0 };
	cleanup_ctr struct ctr *ctr = NULL;

	if (!text_is_identifier(namespace))
		return 0;
	if (ctr_open(session->settings->address, namespace, &ctr, err) < 0)
		return -1;
	return ctr_container_find(ctr, id, &container, err);
}

int target_check_namespace(struct session *session, const char *container_id, struct error *err)
{
	cleanup_store_workspace struct store_workspace row = { 0 };
	int found = get_row(session, container_id, &row, err);

	if (found <= 0 || strcmp(row.namespace, session->settings->namespace) == 0)
		return found < 0 ? -1 : 0;
	found = is_in_namespace(session, row.namespace, container_id, err);
	if (found <= 0)
		return found;
	error_set(err, ERROR_REFUSED,
		  "'%s' is in the database as a container of the namespace '%s', "
		  "which has one of that id",
		  container_id, row.namespace);
	return error_hint(err, "-n %s is about that one; this one, in '%s', needs another id to have a history",
			  row.namespace, session->settings->namespace);
}

void target_release(struct target *target)
{
	free(target->container_id);
	ctr_container_release(&target->container);
	*target = (struct target){ 0 };
}
