#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "command/commands.h"
#include "command/describe.h"
#include "output/table.h"
#include "recover/bring_back.h"
#include "workspace/history.h"
#include "workspace/target.h"

struct events_list {
	struct output *out;
	struct json_writer writer;
	struct table table;
};

/* NULL when it is none; then *err is not worth showing. */
static cJSON *parse_payload(const struct store_event *event)
{
	struct error ignored;

	return event->payload ? json_parse(event->payload, strlen(event->payload), "the payload", &ignored) : NULL;
}

static void write_json(struct json_writer *writer, const struct store_event *event, const cJSON *payload)
{
	writer_object(writer, NULL);
	writer_text(writer, "id", event->id);
	writer_text(writer, "event_type", event->type);
	if (payload) /* as Postgres wrote it: cJSON would round large numbers */
		writer_raw(writer, "payload", event->payload);
	else
		writer_text(writer, "payload", event->payload);
	writer_time(writer, "created_at", event->created_ns);
	writer_close(writer);
}

static void write_row(struct table *table, const struct store_event *event, const cJSON *payload)
{
	int64_t version = json_integer(payload, "version", 0);
	char created[DESCRIBE_TIME_SIZE], number[32];

	describe_time(event->created_ns, created);
	snprintf(number, sizeof(number), "%lld", (long long)version);
	table_cell(table, created);
	table_cell(table, event->type);
	table_cell(table, version ? number : NULL);
	table_cell(table, json_text(payload, "snapshot_name"));
	table_cell(table, json_text(payload, "by"));
	table_cell(table, json_text(payload, "host"));
	table_cell(table, json_text(payload, "note"));
}

static int write_event(const struct store_event *event, void *context, struct error *err)
{
	cleanup_json cJSON *payload = parse_payload(event);
	struct events_list *list = context;

	if (list->out->json)
		write_json(&list->writer, event, payload);
	else if (list->out->quiet)
		output_line(list->out, "%s", event->id);
	else
		write_row(&list->table, event, payload);
	return list->writer.failed ? error_memory(err) : 0;
}

static int list_events(const struct invocation *invocation, const char *container_id, struct error *err)
{
	static const struct table_column kinds[] = { { "CREATED", 0, false }, { "EVENT", 0, false },
						     { "VERSION", 1, false }, { "SNAPSHOT", 4, true },
						     { "BY", 2, true },       { "HOST", 5, true },
						     { "NOTE", 3, true } };
	struct output *out = invocation->out;
	struct events_list list = { .out = out, .writer = { .stream = out->stream } };
	bool as_table = !out->json && !out->quiet;
	int result;

	if (out->json) {
		writer_object(&list.writer, NULL);
		writer_text(&list.writer, "container_id", container_id);
		writer_array(&list.writer, "events");
	} else if (as_table) {
		table_begin_columns(&list.table, out->stream, kinds, 7, out->columns, true);
	}
	result = history_events_each(invocation->session, container_id, write_event, &list, err);
	if (result == 0 && out->json) {
		writer_close(&list.writer);
		writer_close(&list.writer);
	} else if (result == 0 && as_table) {
		result = table_end(&list.table, err);
	}
	table_release(&list.table);
	return result;
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
