#include "base/clock.h"
#include "command/describe.h"
#include "command/list.h"
#include "output/sheet.h"
#include "workspace/workspaces.h"

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

static void write_container(const void *row, struct json_writer *writer)
{
	writer_text(writer, "container_id", workspace_of(row)->row->container_id);
}

static void show_bot(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->row->bot_id);
}

static void write_bot(const void *row, struct json_writer *writer)
{
	writer_text(writer, "bot_id", workspace_of(row)->row->bot_id);
}

static void show_versions(const void *row, struct text *cell)
{
	text_printf(cell, "%d", workspace_of(row)->row->versions);
}

static void write_versions(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "versions", workspace_of(row)->row->versions);
}

static void show_newest(const void *row, struct text *cell)
{
	if (workspace_of(row)->row->newest)
		text_printf(cell, "%d", workspace_of(row)->row->newest);
}

static void write_newest(const void *row, struct json_writer *writer)
{
	writer_known(writer, "newest_version", workspace_of(row)->row->newest, workspace_of(row)->row->newest);
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

static void write_created(const void *row, struct json_writer *writer)
{
	writer_text(writer, "newest_at", workspace_of(row)->row->newest_at);
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

static void write_status(const void *row, struct json_writer *writer)
{
	writer_text(writer, "status", workspace_of(row)->status);
}

static void show_image(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->container->image);
}

static void write_image(const void *row, struct json_writer *writer)
{
	writer_text(writer, "image", workspace_of(row)->container->image);
}

static void show_snapshotter(const void *row, struct text *cell)
{
	text_add(cell, workspace_of(row)->container->snapshotter);
}

static void write_snapshotter(const void *row, struct json_writer *writer)
{
	writer_text(writer, "snapshotter", workspace_of(row)->container->snapshotter);
}

static const struct column all_columns[] = {
	{ "container", { "CONTAINER", 0, true }, true, show_container, write_container },
	{ "bot", { "BOT", 6, false }, true, show_bot, write_bot },
	{ "versions", { "VERSIONS", 4, false }, true, show_versions, write_versions },
	{ "newest", { "NEWEST", 3, false }, true, show_newest, write_newest },
	{ "created", { "CREATED", 5, false }, true, show_created, write_created },
	{ "age", { "AGE", 1, false }, true, show_age, NULL },
	{ "status", { "STATUS", 2, false }, true, show_status, write_status },
	{ "image", { "IMAGE", 7, true }, false, show_image, write_image },
	{ "snapshotter", { "SNAPSHOTTER", 8, false }, false, show_snapshotter, write_snapshotter },
	{ .name = NULL },
};

int list_workspaces_check(const char *words, struct error *err)
{
	struct columns columns;

	return columns_choose(&columns, all_columns, words, err);
}

struct workspaces_list {
	int64_t now_ns;
	struct sheet sheet;
};

static int write_workspace(const struct workspace *workspace, void *context, struct error *err)
{
	struct workspaces_list *list = context;
	const struct row row = { .workspace = workspace, .now_ns = list->now_ns };

	return sheet_row(&list->sheet, &row, err);
}

int list_workspaces(const struct invocation *invocation, struct error *err)
{
	const struct list_options *options = invocation->options;
	struct workspaces_list list = { .now_ns = clock_unix_ns(),
					.sheet = { .out = invocation->out,
						   .all = all_columns,
						   .key = "workspaces",
						   .quiet = "container",
						   .words = options->columns,
						   .no_header = options->no_header } };
	int result = sheet_choose(&list.sheet, err);

	if (result == 0) {
		sheet_begin(&list.sheet);
		result = workspaces_each(invocation->session, write_workspace, &list, err);
	}
	if (result == 0)
		result = sheet_end(&list.sheet, err);
	sheet_release(&list.sheet);
	return result;
}
