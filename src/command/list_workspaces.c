#include "base/clock.h"
#include "command/describe.h"
#include "command/list.h"
#include "output/table.h"
#include "workspace/workspaces.h"

static void write_json(struct json_writer *writer, const struct workspace *workspace)
{
	const struct store_workspace *row = workspace->row;

	writer_object(writer, NULL);
	writer_text(writer, "container_id", row->container_id);
	writer_text(writer, "bot_id", row->bot_id);
	writer_text(writer, "image", workspace->container->image);
	writer_text(writer, "snapshotter", workspace->container->snapshotter);
	writer_text(writer, "status", workspace->status);
	writer_integer(writer, "versions", row->versions);
	if (row->newest)
		writer_integer(writer, "newest_version", row->newest);
	else
		writer_null(writer, "newest_version");
	writer_text(writer, "newest_at", row->newest_at);
	writer_close(writer);
}

static void write_row(struct table *table, const struct workspace *workspace)
{
	const struct store_workspace *row = workspace->row;
	char versions[16], newest[16], created[DESCRIBE_TIME_SIZE];
	int64_t created_ns;
	bool is_time = row->newest_at && clock_parse(row->newest_at, &created_ns);

	snprintf(versions, sizeof(versions), "%d", row->versions);
	snprintf(newest, sizeof(newest), "%d", row->newest);
	if (is_time)
		describe_time(created_ns, created);
	table_cell(table, row->container_id);
	table_cell(table, row->bot_id);
	table_cell(table, versions);
	table_cell(table, row->newest ? newest : NULL);
	table_cell(table, is_time ? created : row->newest_at);
	table_cell(table, workspace->status);
}

struct workspaces_list {
	struct output *out;
	struct json_writer writer;
	struct table table;
};

static int write_workspace(const struct workspace *workspace, void *context, struct error *err)
{
	struct workspaces_list *list = context;

	if (list->out->json)
		write_json(&list->writer, workspace);
	else if (list->out->quiet)
		output_line(list->out, "%s", workspace->row->container_id);
	else
		write_row(&list->table, workspace);
	return list->writer.failed ? error_memory(err) : 0;
}

int list_workspaces(const struct invocation *invocation, struct error *err)
{
	static const char *const headings[] = { "CONTAINER", "BOT", "VERSIONS", "NEWEST", "CREATED", "STATUS" };
	struct output *out = invocation->out;
	struct workspaces_list list = { .out = out, .writer = { .stream = out->stream } };
	bool as_table = !out->json && !out->quiet;
	int result;

	if (out->json) {
		writer_object(&list.writer, NULL);
		writer_array(&list.writer, "workspaces");
	} else if (as_table) {
		table_begin(&list.table, out->stream, headings, 6);
	}
	result = workspaces_each(invocation->session, write_workspace, &list, err);
	if (result == 0 && out->json) {
		writer_close(&list.writer);
		writer_close(&list.writer);
	} else if (result == 0 && as_table) {
		result = table_end(&list.table, err);
	}
	table_release(&list.table);
	return result;
}
