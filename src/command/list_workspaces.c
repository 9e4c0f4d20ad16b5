#include "base/clock.h"
#include "command/describe.h"
#include "command/list.h"
#include "output/columns.h"
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

/* What a line is about. */
struct row {
	const struct workspace *workspace;
	int64_t now_ns;
};

static const struct workspace *workspace_of(const void *row)
{
	return ((const struct row *)row)->workspace;
}

static void show_container(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->row->container_id);
}

static void show_bot(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->row->bot_id);
}

static void show_versions(const void *row, struct text *cell)
{
	text_printf(cell, "%d", workspace_of(row)->row->versions);
}

static void show_newest(const void *row, struct text *cell)
{
	if (workspace_of(row)->row->newest)
		text_printf(cell, "%d", workspace_of(row)->row->newest);
}

static bool find_time(const void *row, int64_t *created_ns)
{
	const char *newest_at = workspace_of(row)->row->newest_at;

	return newest_at && clock_parse(newest_at, created_ns);
}

static void show_created(const void *row, struct text *cell)
{
	const char *newest_at = workspace_of(row)->row->newest_at;
	char created[DESCRIBE_TIME_SIZE];
	int64_t created_ns;

	if (find_time(row, &created_ns)) {
		describe_time(created_ns, created);
		text_add(cell, created);
	} else if (newest_at) {
		text_add(cell, newest_at);
	}
}

static void show_age(const void *row, struct text *cell)
{
	char age[DESCRIBE_AGE_SIZE];
	int64_t created_ns;

	if (!find_time(row, &created_ns))
		return;
	describe_age(created_ns, ((const struct row *)row)->now_ns, age);
	text_add(cell, age);
}

static void show_status(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->status);
}

static void show_image(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->container->image);
}

static void show_snapshotter(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->container->snapshotter);
}

static const struct column all_columns[] = {
	{ "container", { "CONTAINER", 0, true }, true, show_container },
	{ "bot", { "BOT", 6, false }, true, show_bot },
	{ "versions", { "VERSIONS", 4, false }, true, show_versions },
	{ "newest", { "NEWEST", 3, false }, true, show_newest },
	{ "created", { "CREATED", 5, false }, true, show_created },
	{ "age", { "AGE", 1, false }, true, show_age },
	{ "status", { "STATUS", 2, false }, true, show_status },
	{ "image", { "IMAGE", 7, true }, false, show_image },
	{ "snapshotter", { "SNAPSHOTTER", 8, false }, false, show_snapshotter },
	{ .name = NULL },
};

int list_workspaces_check(const char *words, struct error *err)
{
	struct columns columns;

	return columns_choose(&columns, all_columns, words, err);
}

struct workspaces_list {
	struct output *out;
	int64_t now_ns;
	struct json_writer writer;
	struct columns columns;
};

static int write_workspace(const struct workspace *workspace, void *context, struct error *err)
{
	struct workspaces_list *list = context;
	const struct row row = { .workspace = workspace, .now_ns = list->now_ns };

	if (list->out->json)
		write_json(&list->writer, workspace);
	else if (list->out->quiet)
		output_line(list->out, "%s", workspace->row->container_id);
	else
		return columns_row(&list->columns, &row, err);
	return list->writer.failed ? error_memory(err) : 0;
}

int list_workspaces(const struct invocation *invocation, struct error *err)
{
	const struct list_options *options = invocation->options;
	struct output *out = invocation->out;
	struct workspaces_list list = { .out = out, .now_ns = clock_unix_ns(), .writer = { .stream = out->stream } };
	bool as_table = !out->json && !out->quiet;
	int result = columns_choose(&list.columns, all_columns, options->columns, err);

	if (result == 0 && out->json) {
		writer_object(&list.writer, NULL);
		writer_array(&list.writer, "workspaces");
	} else if (result == 0 && as_table) {
		columns_begin(&list.columns, out, !options->no_header);
	}
	if (result == 0)
		result = workspaces_each(invocation->session, write_workspace, &list, err);
	if (result == 0 && out->json) {
		writer_close(&list.writer);
		writer_close(&list.writer);
	} else if (result == 0 && as_table) {
		result = columns_end(&list.columns, err);
	}
	columns_release(&list.columns);
	return result;
}
