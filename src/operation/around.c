#include "operation/around.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/names_set.h"
#include "base/text.h"
#include "workspace/journal.h"

#define SUFFIX ".hooks"
#define HALF_SUFFIX SUFFIX FILE_REPLACE_SUFFIX
#define NOTE_LIMIT ((size_t)1 << 20)

static char *file_name(const struct session *session, const char *container_id, struct error *err)
{
	char *name = text_format("%s~%s" SUFFIX, session->settings->namespace, container_id);

	if (!name)
		error_memory(err);
	return name;
}

/* --- the note ------------------------------------------------------------------------------------- */

static char *print(const struct hook_facts *facts, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (json_add_text(json, "operation", facts->operation, err) < 0 ||
	    json_add_text(json, "operation_id", facts->operation_id, err) < 0 ||
	    json_add_text(json, "bot_id", facts->bot_id, err) < 0 ||
	    json_add_text(json, "source", facts->source, err) < 0)
		return NULL;
	if (!cJSON_AddNumberToObject(json, "version", facts->version) ||
	    !cJSON_AddNumberToObject(json, "exit_status", facts->exit_status)) {
		error_memory(err);
		return NULL;
	}
	return json_print(json, err);
}

static int save(struct session *session, const struct hook_facts *facts, struct error *err)
{
	cleanup_free char *name = file_name(session, facts->container_id, err);
	cleanup_free char *json = name ? print(facts, err) : NULL;

	if (!json)
		return -1;
	if (file_replace(session->state_dir, name, 0600, json, strlen(json), err) < 0)
		return error_wrap(err, "the note of the hooks around '%s'", facts->container_id);
	return 0;
}

static int forget(struct session *session, const char *container_id, struct error *err)
{
	cleanup_free char *name = file_name(session, container_id, err);

	return name ? file_remove(session->state_dir, name, err) : -1;
}

/* What a save that was killed has left: nothing was run by it. */
static void tidy(struct session *session, const char *container_id)
{
	cleanup_free char *half = text_format("%s~%s" HALF_SUFFIX, session->settings->namespace, container_id);

	if (half && unlinkat(session->state_dir, half, 0) < 0 && errno != ENOENT)
		log_detail("'%s' cannot be removed: %s", half, strerror(errno));
}

/* 1 with *note, whose texts the facts are; 0 there is none; -1 it cannot be read. One that makes no sense is a warning, and
 * *note is NULL. */
static int load(struct session *session, const char *container_id, cJSON **note, struct error *err)
{
	cleanup_free char *name = file_name(session, container_id, err);
	cleanup_text struct text text = { 0 };
	struct error bad = { 0 };
	int found;

	if (!name)
		return -1;
	found = file_read(session->state_dir, name, NOTE_LIMIT, &text, err);
	if (found != 0)
		return found > 0 ? 0 : -1;
	*note = json_parse(text.data, text.length, name, &bad);
	if (!*note)
		log_warning("the hooks after what was done to '%s' do not run: %s", container_id, bad.message);
	return 1;
}

/* -------------------------------------------------------------------------------------------------- */

static void run_after(struct session *session, const struct hook_facts *facts)
{
	struct error late = { 0 };

	if (hook_is_wanted(session->settings) && hook_run(session->settings, HOOK_POST, facts, &late) < 0)
		log_warning("%s", late.message);
}

int around_begin(struct around *around, struct error *err)
{
	struct session *session = around->session;

	if (!hook_is_wanted(session->settings))
		return 0;
	around->facts.exit_status = ERROR_FAILED;
	if (session_open_state(session, err) < 0 || save(session, &around->facts, err) < 0)
		return -1;
	around->begun = true;
	if (hook_run(session->settings, HOOK_PRE, &around->facts, err) == 0)
		return 0;
	around_end(around, (int)err->kind, 0);
	error_wrap(err, "'%s' was not touched", around->facts.container_id);
	return err->hint[0] ? -1 : error_hint(err, "--no-hooks insists");
}

void around_note(struct around *around, int exit_status, int32_t version)
{
	struct error ignored = { 0 };

	if (!around->begun)
		return;
	around->facts.exit_status = exit_status;
	around->facts.version = version;
	if (save(around->session, &around->facts, &ignored) < 0)
		log_detail("%s", ignored.message);
}

void around_hand_over(struct around *around)
{
	struct error late = { 0 };

	if (around->begun && forget(around->session, around->facts.container_id, &late) < 0)
		log_warning("%s", late.message);
	around->begun = false;
}

void around_end(struct around *around, int exit_status, int32_t version)
{
	struct error late = { 0 };

	if (!around->begun)
		return;
	around_note(around, exit_status, version);
	run_after(around->session, &around->facts);
	if (forget(around->session, around->facts.container_id, &late) < 0)
		log_warning("%s", late.message);
	around->begun = false;
}

static void run_noted(struct session *session, const char *container_id, const cJSON *note,
		      const struct around_outcome *known)
{
	const struct hook_facts facts = {
		.container_id = container_id,
		.namespace = session->settings->namespace,
		.operation = json_text(note, "operation"),
		.operation_id = json_text(note, "operation_id"),
		.bot_id = json_text(note, "bot_id"),
		.source = json_text(note, "source"),
		.exit_status = known ? known->exit_status : (int)json_integer(note, "exit_status", ERROR_FAILED),
		.version = known ? known->version : (int)json_integer(note, "version", 0),
	};

	run_after(session, &facts);
}

int around_settle(struct session *session, const char *container_id, const struct around_outcome *known,
		  struct error *err)
{
	cleanup_json cJSON *note = NULL;
	int found = session_open_state(session, err) < 0 ? -1 : load(session, container_id, &note, err);

	if (found < 0)
		return -1;
	tidy(session, container_id);
	if (!found)
		return 0;
	if (note)
		run_noted(session, container_id, note, known);
	return forget(session, container_id, err) < 0 ? -1 : 1;
}

int around_each_left(struct session *session, const char *container_id, around_each each, void *context,
		     struct error *err)
{
	cleanup_names_set struct names_set left = { 0 };

	if (session_open_state(session, err) < 0 ||
	    journal_add_with_file(session, container_id, SUFFIX, &left, err) < 0 ||
	    journal_add_with_file(session, container_id, HALF_SUFFIX, &left, err) < 0)
		return -1;
	for (size_t i = 0; i < left.count; i++)
		if (each(left.items[i], context, err) < 0)
			return -1;
	return 0;
}
