#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/list.h"
#include "command/version_columns.h"
#include "output/sheet.h"
#include "view/mounted.h"
#include "workspace/history.h"

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
	struct sheet sheet;
};

struct row {
	struct version_line line; /* first: the columns of versions look at it */
	const struct versions_list *list;
};

/* Calls `tell` for each folder that shows the version. */
static void each_folder(const void *row, void (*tell)(const char *folder, void *context), void *context)
{
	const struct versions_list *list = ((const struct row *)row)->list;
	const char *name = ((const struct row *)row)->line.row->runtime_name;

	for (size_t i = 0; i < list->mounted_count; i++)
		if (strcmp(list->mounted[i].runtime_name, name) == 0)
			tell(list->mounted[i].folder, context);
}

static void add_folder(const char *folder, void *context)
{
	struct text *cell = context;

	text_printf(cell, "%s%s", cell->length ? ", " : "", folder);
}

static void show_mounted(const void *row, struct text *cell)
{
	each_folder(row, add_folder, cell);
}

static void write_folder(const char *folder, void *context)
{
	writer_text(context, NULL, folder);
}

static void write_mounted(const void *row, struct json_writer *writer)
{
	writer_array(writer, "mounted_at");
	each_folder(row, write_folder, writer);
	writer_close(writer);
}

static const struct column all_columns[] = {
	VERSION_CURRENT, VERSION_NUMBER,
	VERSION_NAME,    VERSION_DISPLAY_NAME,
	VERSION_SOURCE,  VERSION_CREATED,
	VERSION_AGE,     VERSION_SIZE,
	VERSION_INODES,  { "mounted", { "MOUNTED", 4, true }, false, show_mounted, write_mounted },
	VERSION_PRESENT, VERSION_RUNTIME_NAME,
	VERSION_ID,      { .name = NULL },
};

int list_versions_check(const char *words, struct error *err)
{
	struct columns columns;

	return columns_choose(&columns, all_columns, words, err);
}

static int write_version(const struct history_version *version, void *context, struct error *err)
{
	struct versions_list *list = context;
	const struct output *out = list->invocation->out;
	struct snapshot_size size = { 0 };
	const struct row row = { .line = { .row = version->row,
					   .current = version->current,
					   .present = version->present,
					   .now_ns = list->now_ns,
					   .size = list->sizes ? &size : NULL },
				 .list = list };

	if (list->sizes && version->present && (out->json || !out->quiet) &&
	    history_size_of(list->invocation->session, version->row, &size, err) < 0)
		return -1;
	return sheet_row(&list->sheet, &row, err);
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
	if (sheet_choose(&list->sheet, err) < 0)
		return -1;
	if (list->sizes && !options->columns) {
		columns_add(&list->sheet.columns, "size");
		columns_add(&list->sheet.columns, "inodes");
	}
	if (list->mounted_count && !options->columns)
		columns_add(&list->sheet.columns, "mounted");
	if (sheet_open(&list->sheet))
		writer_text(&list->sheet.writer, "container_id", target->container_id);
	sheet_begin(&list->sheet);
	return 0;
}

static bool asks_for_sizes(const struct list_options *options)
{
	return options->sizes ||
	       (options->columns && (strstr(options->columns, "size") || strstr(options->columns, "inodes")));
}

int list_versions(const struct invocation *invocation, const struct target *target, struct error *err)
{
	const struct list_options *options = invocation->options;
	struct versions_list list = {
		.invocation = invocation,
		.sizes = asks_for_sizes(options),
		.now_ns = clock_unix_ns(),
		.sheet = { .out = invocation->out,
			   .all = all_columns,
			   .key = "versions",
			   .quiet = "version",
			   .words = options->columns,
			   .no_header = options->no_header },
	};
	int result = begin(&list, target, err);

	if (result == 0)
		result = history_versions_each(invocation->session, target, write_version, &list, err);
	if (result == 0)
		result = sheet_end(&list.sheet, err);
	sheet_release(&list.sheet);
	for (size_t i = 0; i < list.mounted_count; i++) {
		free(list.mounted[i].runtime_name);
		free(list.mounted[i].folder);
	}
	free(list.mounted);
	return result;
}
