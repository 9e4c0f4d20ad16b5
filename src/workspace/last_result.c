#include "workspace/last_result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#define RESULT_LIMIT 16384

void last_result_release(struct last_result *result)
{
	free(result->what);
	free(result->message);
	*result = (struct last_result){ 0 };
}

static char *file_name(const struct session *session, const char *container_id)
{
	return text_format("%s~%s.result", session->settings->namespace, container_id);
}

static char *print(const char *what, const struct error *failure, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_unix_ns(), at);
	if (!json || json_add_text(json, "what", what, err) < 0 || json_add_text(json, "at", at, err) < 0 ||
	    !cJSON_AddNumberToObject(json, "exit_status", (int)failure->kind) ||
	    (failure->kind != ERROR_NONE && json_add_text(json, "message", failure->message, err) < 0)) {
		error_memory(err);
		return NULL;
	}
	return json_print(json, err);
}

/* In one call, and without a file beside it that a killed run would leave: a reader that comes in between knows nothing. */
static int write_whole(int dir, const char *name, const char *text)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : file_write_all(fd, text, strlen(text));
}

void last_result_note(struct session *session, const char *container_id, const char *what, const struct error *failure)
{
	struct error ignored = { 0 };
	cleanup_free char *name = file_name(session, container_id);
	cleanup_free char *text = print(what, failure, &ignored);

	if (!name || !text || session_open_state(session, &ignored) < 0)
		return;
	if (write_whole(session->state_dir, name, text) < 0)
		log_detail("'%s' cannot be written: %s", name, strerror(errno));
}

static int parse(const struct text *text, struct last_result *result, struct error *err)
{
	cleanup_json cJSON *json = json_parse(text->data, text->length, "it", err);
	const char *what = json ? json_text(json, "what") : NULL, *at = json ? json_text(json, "at") : NULL;
	const char *message = json ? json_text(json, "message") : NULL;

	if (!what || !at || !clock_parse(at, &result->at_ns))
		return 0;
	result->exit_status = (int)json_integer(json, "exit_status", 0);
	result->what = strdup(what);
	result->message = message ? strdup(message) : NULL;
	return result->what != NULL;
}

int last_result_read(struct session *session, const char *container_id, struct last_result *result)
{
	cleanup_free char *name = file_name(session, container_id);
	cleanup_text struct text text = { 0 };
	struct error ignored = { 0 };

	if (!name || session_open_state(session, &ignored) < 0 ||
	    file_read(session->state_dir, name, RESULT_LIMIT, &text, &ignored) != 0)
		return 0;
	return parse(&text, result, &ignored);
}
