#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/names_set.h"
#include "command/describe.h"
#include "command/list.h"
#include "output/columns.h"
#include "view/view.h"
#include "workspace/history.h"
#include "workspace/names.h"

/* A folder that shows a version. */
struct mounted {
	char *runtime_name;
	char *folder;
};

struct versions_list {
	const struct invocation *invocation;
	bool sizes;
	int64_t now_ns;
	struct mounted *mounted;
	size_t mounted_count;
	struct json_writer writer;
	struct columns columns;
};

/* What a line is about. */
struct row {
	const struct versions_list *list;
	const struct history_version *version;
	struct snapshot_size size;
};

static const struct store_version *row_of(const void *row)
{
	return ((const struct row *)row)->version->row;
}

static void show_current(const void *row, struct text *cell)
{
	text_add(cell, ((const struct row *)row)->version->current ? "*" : "");
}

static void show_version(const void *row, struct text *cell)
{
	text_printf(cell, "%d", row_of(row)->version);
}

static void show_name(const void *row, struct text *cell)
{
	cleanup_free char *shown = name_shown(row_of(row)->display_name, row_of(row)->version);

	text_add(cell, shown ? shown : "");
}

static void show_source(const void *row, struct text *cell)
{
	text_add(cell, row_of(row)->source);
}

static void show_created(const void *row, struct text *cell)
{
	char created[DESCRIBE_TIME_SIZE];

	describe_time(row_of(row)->created_ns, created);
	text_add(cell, created);
}

static void show_age(const void *row, struct text *cell)
{
	char age[DESCRIBE_AGE_SIZE];

	describe_age(row_of(row)->created_ns, ((const struct row *)row)->list->now_ns, age);
	text_add(cell, age);
}

static void show_size(const void *row, struct text *cell)
{
	const struct snapshot_size *size = &((const struct row *)row)->size;
	char bytes[OUTPUT_SIZE_SIZE];

	output_format_size(size->bytes, bytes);
	if (size->known)
		text_add(cell, bytes);
}

static void show_inodes(const void *row, struct text *cell)
{
	const struct snapshot_size *size = &((const struct row *)row)->size;

	if (size->known)
		text_printf(cell, "%lld", (long long)size->inodes);
}

static void show_mounted(const void *row, struct text *cell)
{
	const struct versions_list *list = ((const struct row *)row)->list;

	for (size_t i = 0; i < list->mounted_count; i++)
		if (strcmp(list->mounted[i].runtime_name, row_of(row)->runtime_name) == 0)
			text_printf(cell, "%s%s", cell->length ? ", " : "", list->mounted[i].folder);
}

static void show_snapshot(const void *row, struct text *cell)
{
	text_add(cell, ((const struct row *)row)->version->present ? "present" : "missing");
}

static void show_runtime_name(const void *row, struct text *cell)
{
	text_add(cell, row_of(row)->runtime_name);
}

static void show_id(const void *row, struct text *cell)
{
	text_add(cell, row_of(row)->id);
}

static const struct column all_columns[] = {
	{ "current", { "", 0, false }, true, show_current },
	{ "version", { "VERSION", 0, false }, true, show_version },
	{ "name", { "NAME", 0, true }, true, show_name },
	{ "source", { "SOURCE", 5, false }, true, show_source },
	{ "created", { "CREATED", 6, false }, true, show_created },
	{ "age", { "AGE", 2, false }, true, show_age },
	{ "size", { "SIZE", 3, false }, false, show_size },
	{ "inodes", { "INODES", 7, false }, false, show_inodes },
	{ "mounted", { "MOUNTED", 4, true }, false, show_mounted },
	{ "snapshot", { "SNAPSHOT", 1, false }, true, show_snapshot },
	{ "runtime_name", { "RUNTIME NAME", 8, true }, false, show_runtime_name },
	{ "id", { "ID", 9, false }, false, show_id },
	{ .name = NULL },
};

int list_versions_check(const char *words, struct error *err)
{
	struct columns columns;

	return columns_choose(&columns, all_columns, words, err);
}

static void write_mounted(struct versions_list *list, const struct history_version *version)
{
	writer_array(&list->writer, "mounted_at");
	for (size_t i = 0; i < list->mounted_count; i++)
		if (strcmp(list->mounted[i].runtime_name, version->row->runtime_name) == 0)
			writer_text(&list->writer, NULL, list->mounted[i].folder);
	writer_close(&list->writer);
}

static void write_json(struct versions_list *list, const struct history_version *version,
		       const struct snapshot_size *size)
{
	struct json_writer *writer = &list->writer;

	writer_object(writer, NULL);
	describe_version(writer, version->row);
	writer_bool(writer, "current", version->current);
	writer_bool(writer, "present", version->present);
	write_mounted(list, version);
	if (list->sizes)
		describe_size(writer, size);
	writer_close(writer);
}

static int write_version(const struct history_version *version, void *context, struct error *err)
{
	struct versions_list *list = context;
	struct output *out = list->invocation->out;
	struct row row = { .list = list, .version = version };

	if (list->sizes && version->present && (out->json || !out->quiet) &&
	    history_size_of(list->invocation->session, version->row, &row.size, err) < 0)
		return -1;
	if (out->json)
		write_json(list, version, &row.size);
	else if (out->quiet)
		output_line(out, "%d", version->row->version);
	else
		return columns_row(&list->columns, &row, err);
	return list->writer.failed ? error_memory(err) : 0;
}

static int add_mounted(const char *runtime_name, const char *folder, void *context, struct error *err)
{
	struct versions_list *list = context;
	struct mounted *grown = reallocarray(list->mounted, list->mounted_count + 1, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	list->mounted = grown;
	grown[list->mounted_count] = (struct mounted){ .runtime_name = strdup(runtime_name), .folder = strdup(folder) };
	list->mounted_count++;
	return grown[list->mounted_count - 1].runtime_name && grown[list->mounted_count - 1].folder ? 0
												    : error_memory(err);
}

static int begin(struct versions_list *list, const struct target *target, struct error *err)
{
	const struct list_options *options = list->invocation->options;
	struct output *out = list->invocation->out;
	const char *snapshotter = target->present ? target->container.snapshotter : NULL;

	if (!out->quiet &&
	    view_each(list->invocation->session, target->container_id, snapshotter, add_mounted, list, err) < 0)
		return -1;
	if (columns_choose(&list->columns, all_columns, options->columns, err) < 0)
		return -1;
	if (out->json) {
		writer_object(&list->writer, NULL);
		writer_text(&list->writer, "container_id", target->container_id);
		writer_array(&list->writer, "versions");
		return 0;
	}
	if (list->sizes && !options->columns) {
		columns_add(&list->columns, "size");
		columns_add(&list->columns, "inodes");
	}
	if (list->mounted_count && !options->columns)
		columns_add(&list->columns, "mounted");
	if (!out->quiet)
		columns_begin(&list->columns, out, !options->no_header);
	return 0;
}

static int end(struct versions_list *list, struct error *err)
{
	const struct output *out = list->invocation->out;

	if (out->json) {
		writer_close(&list->writer);
		writer_close(&list->writer);
	} else if (!out->quiet) {
		return columns_end(&list->columns, err);
	}
	return 0;
}

static bool asks_for_sizes(const struct list_options *options)
{
	return options->sizes ||
	       (options->columns && (strstr(options->columns, "size") || strstr(options->columns, "inodes")));
}

int list_versions(const struct invocation *invocation, const struct target *target, struct error *err)
{
	struct versions_list list = {
		.invocation = invocation,
		.sizes = asks_for_sizes(invocation->options),
		.now_ns = clock_unix_ns(),
		.writer = { .stream = invocation->out->stream },
	};
	int result = begin(&list, target, err);

	if (result == 0)
		result = history_versions_each(invocation->session, target, write_version, &list, err);
	if (result == 0)
		result = end(&list, err);
	columns_release(&list.columns);
	for (size_t i = 0; i < list.mounted_count; i++) {
		free(list.mounted[i].runtime_name);
		free(list.mounted[i].folder);
	}
	free(list.mounted);
	return result;
}
