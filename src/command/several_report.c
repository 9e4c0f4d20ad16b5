#include "command/several_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "output/json_writer.h"
#include "output/table.h"

/* Moves the members of `from` behind those that `to` has. */
static void move_members(cJSON *to, cJSON *from)
{
	cJSON *member;

	while ((member = cJSON_DetachItemFromArray(from, 0))) {
		if (cJSON_HasObjectItem(to, member->string))
			cJSON_Delete(member);
		else
			cJSON_AddItemToObject(to, member->string, member);
	}
}

static int add_error(cJSON *document, const struct error *failure, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json cJSON *said = NULL;
	size_t length = 0;
	struct json_writer writer = { .stream = open_memstream(&text, &length) };

	if (!writer.stream)
		return error_memory(err);
	writer_object(&writer, NULL);
	output_json_error(&writer, failure);
	writer_close(&writer);
	if (fclose(writer.stream) != 0)
		return error_memory(err);
	said = json_parse_exact(text, length, "an error", err);
	if (!said)
		return -1;
	move_members(document, said);
	return 0;
}

static char *document_of(const struct several_work *work, struct error *err)
{
	cleanup_json cJSON *document = cJSON_CreateObject();
	cleanup_json cJSON *said = NULL;

	if (!document) {
		error_memory(err);
		return NULL;
	}
	if (json_add_text(document, "container_id", work->id, err) < 0)
		return NULL;
	if (work->length) {
		said = json_parse_exact(work->said, work->length, "a result", err);
		if (!said)
			return NULL;
		move_members(document, said);
	}
	if (work->failure.kind != ERROR_NONE && add_error(document, &work->failure, err) < 0)
		return NULL;
	return json_print(document, err);
}

static int write_json(struct output *out, const struct several_work *works, size_t count, struct error *err)
{
	struct json_writer writer = { .stream = out->stream };

	writer_object(&writer, NULL);
	writer_array(&writer, "workspaces");
	for (size_t i = 0; i < count; i++) {
		cleanup_free char *document = document_of(&works[i], err);

		if (!document)
			return -1;
		writer_raw(&writer, NULL, document);
	}
	writer_close(&writer);
	writer_close(&writer);
	return 0;
}

static void write_quiet(struct output *out, const struct several_work *work)
{
	char *rest = work->said, *line;

	while (work->length && (line = strsep(&rest, "\n")))
		if (*line)
			output_line(out, "%s %s", work->id, line);
}

static void write_rows(struct table *table, const struct several_work *work)
{
	char *rest = work->said, *line;

	while (work->length && (line = strsep(&rest, "\n"))) {
		if (!*line)
			continue;
		table_cell(table, work->id);
		table_cell(table, line);
	}
	if (work->failure.kind == ERROR_NONE)
		return;
	table_cell(table, work->id);
	table_cell(table, work->failure.message);
}

static int write_table(struct output *out, const struct several_work *works, size_t count, struct error *err)
{
	static const char *const headings[] = { "CONTAINER", "RESULT" };
	cleanup_table struct table table = { 0 };

	if (count == 0)
		return 0;
	table_begin(&table, out->stream, headings, 2);
	for (size_t i = 0; i < count; i++)
		write_rows(&table, &works[i]);
	return table_end(&table, err);
}

int several_tell_failures(const struct failures *failures, const char *names, size_t count, struct error *err)
{
	if (failures_first(failures, err) == 0)
		return 0;
	if (count == 1)
		return -1;
	return error_wrap(err, "%zu of %zu workspaces failed (%s%s); the first", failures->count, count,
			  names ? names : "", failures->count > SEVERAL_NAMED_MOST ? ", …" : "");
}

static int judge(const struct several_work *works, size_t count, struct error *err)
{
	cleanup_text struct text names = { 0 };
	struct failures failures = { 0 };

	for (size_t i = 0; i < count; i++) {
		failures_note(&failures, &works[i].failure);
		if (works[i].failure.kind != ERROR_NONE && failures.count <= SEVERAL_NAMED_MOST)
			text_printf(&names, "%s'%s'", failures.count > 1 ? ", " : "", works[i].id);
	}
	return several_tell_failures(&failures, names.failed ? NULL : names.data, count, err);
}

int several_report(struct output *out, const struct several_work *works, size_t count, struct error *err)
{
	int written = 0;

	if (out->json)
		written = write_json(out, works, count, err);
	else if (!out->quiet)
		written = write_table(out, works, count, err);
	else
		for (size_t i = 0; i < count; i++)
			write_quiet(out, &works[i]);
	return written < 0 ? -1 : judge(works, count, err);
}
