#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "command/commands.h"
#include "command/describe.h"
#include "output/sheet.h"
#include "recover/bring_back.h"
#include "workspace/history.h"
#include "workspace/target.h"

/* What a line is about. */
struct row {
	const struct store_event *event;
	const cJSON *payload; /* NULL: it is none that can be read */
};

static const struct store_event *event_of(const void *row)
{
	return ((const struct row *)row)->event;
}

static void show_id(const void *row, struct text *cell)
{
	text_add(cell, event_of(row)->id);
}

static void write_id(const void *row, struct json_writer *writer)
{
	writer_text(writer, "id", event_of(row)->id);
}

static void show_created(const void *row, struct text *cell)
{
	char created[DESCRIBE_TIME_SIZE];

	describe_time(event_of(row)->created_ns, created);
	text_add(cell, created);
}

static void write_created(const void *row, struct json_writer *writer)
{
	writer_time(writer, "created_at", event_of(row)->created_ns);
}

static void show_type(const void *row, struct text *cell)
{
	text_add(cell, event_of(row)->type);
}

static void write_type(const void *row, struct json_writer *writer)
{
	writer_text(writer, "event_type", event_of(row)->type);
}

/* As Postgres wrote it: cJSON would round large numbers. */
static void write_payload(const void *row, struct json_writer *writer)
{
	if (((const struct row *)row)->payload)
		writer_raw(writer, "payload", event_of(row)->payload);
	else
		writer_text(writer, "payload", event_of(row)->payload);
}

static void show_version(const void *row, struct text *cell)
{
	int64_t version = json_integer(((const struct row *)row)->payload, "version", 0);

	if (version)
		text_printf(cell, "%lld", (long long)version);
}

static void show_of_payload(const void *row, const char *key, struct text *cell)
{
	const char *value = json_text(((const struct row *)row)->payload, key);

	if (value)
		text_add(cell, value);
}

static void show_snapshot(const void *row, struct text *cell)
{
	show_of_payload(row, "snapshot_name", cell);
}

static void show_by(const void *row, struct text *cell)
{
	show_of_payload(row, "by", cell);
}

static void show_host(const void *row, struct text *cell)
{
	show_of_payload(row, "host", cell);
}

static void show_note(const void *row, struct text *cell)
{
	show_of_payload(row, "note", cell);
}

/* What shows of the payload stands in that key. */
static const struct column all_columns[] = {
	{ "id", { "ID", 0, false }, false, show_id, write_id },
	{ "created", { "CREATED", 0, false }, true, show_created, write_created },
	{ "event", { "EVENT", 0, false }, true, show_type, write_type },
	{ .name = "payload", .write = write_payload },
	{ "version", { "VERSION", 1, false }, true, show_version, NULL },
	{ "snapshot", { "SNAPSHOT", 4, true }, true, show_snapshot, NULL },
	{ "by", { "BY", 2, true }, true, show_by, NULL },
	{ "host", { "HOST", 5, true }, true, show_host, NULL },
	{ "note", { "NOTE", 3, true }, true, show_note, NULL },
	{ .name = NULL },
};

/* NULL when it is none; then *err is not worth showing. */
static cJSON *parse_payload(const struct store_event *event)
{
	struct error ignored;

	return event->payload ? json_parse(event->payload, strlen(event->payload), "the payload", &ignored) : NULL;
}

static int write_event(const struct store_event *event, void *context, struct error *err)
{
	cleanup_json cJSON *payload = parse_payload(event);
	const struct row row = { .event = event, .payload = payload };

	return sheet_row(context, &row, err);
}

static int list_events(const struct invocation *invocation, const char *container_id, struct error *err)
{
	cleanup_sheet struct sheet sheet = {
		.out = invocation->out,
		.all = all_columns,
		.key = "events",
		.quiet = "id",
	};

	if (sheet_choose(&sheet, err) < 0)
		return -1;
	if (sheet_open(&sheet))
		writer_text(&sheet.writer, "container_id", container_id);
	sheet_begin(&sheet);
	if (history_events_each(invocation->session, container_id, write_event, &sheet, err) < 0)
		return -1;
	return sheet_end(&sheet, err);
}

static int events_run(const struct invocation *invocation, struct error *err)
{
	cleanup_target struct target target = { 0 };

	if (bring_back_and_find(invocation->session, invocation->targets, false, &target, err) < 0)
		return -1;
	return list_events(invocation, target.container_id, err);
}

const struct command command_events = {
	.name = "events",
	.arguments = "TARGET",
	.summary = "lifecycle events, oldest first",
	.description = "Lists what happened to a workspace, oldest first, and who did it, on which host and what for.\n"
		       "With --quiet the ids of the events are printed.\n",
	.run = events_run,
};
