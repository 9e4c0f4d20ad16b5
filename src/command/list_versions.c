#include <stdlib.h>

#include "base/cleanup.h"
#include "command/describe.h"
#include "command/list.h"
#include "output/table.h"
#include "workspace/history.h"
#include "workspace/names.h"

struct versions_list {
	const struct invocation *invocation;
	bool sizes;
	struct json_writer writer;
	struct table table;
};

static void write_json(struct versions_list *list, const struct history_version *version,
		       const struct snapshot_size *size)
{
	struct json_writer *writer = &list->writer;

	writer_object(writer, NULL);
	describe_version(writer, version->row);
	writer_bool(writer, "current", version->current);
	writer_bool(writer, "present", version->present);
	if (list->sizes)
		describe_size(writer, size);
	writer_close(writer);
}

static void write_sizes(struct table *table, const struct snapshot_size *size)
{
	char bytes[OUTPUT_SIZE_SIZE], inodes[32];

	output_format_size(size->bytes, bytes);
	snprintf(inodes, sizeof(inodes), "%lld", (long long)size->inodes);
	table_cell(table, size->known ? bytes : NULL);
	table_cell(table, size->known ? inodes : NULL);
}

static int write_row(struct versions_list *list, const struct history_version *version,
		     const struct snapshot_size *size, struct error *err)
{
	cleanup_free char *shown = name_shown(version->row->display_name, version->row->version);
	char number[16], created[DESCRIBE_TIME_SIZE];

	if (!shown)
		return error_memory(err);
	snprintf(number, sizeof(number), "%d", version->row->version);
	describe_time(version->row->created_ns, created);
	table_cell(&list->table, version->current ? "*" : "");
	table_cell(&list->table, number);
	table_cell(&list->table, shown);
	table_cell(&list->table, version->row->source);
	table_cell(&list->table, created);
	if (list->sizes)
		write_sizes(&list->table, size);
	table_cell(&list->table, version->present ? "present" : "missing");
	return 0;
}

static int write_version(const struct history_version *version, void *context, struct error *err)
{
	struct versions_list *list = context;
	struct output *out = list->invocation->out;
	struct snapshot_size size = { 0 };

	if (list->sizes && version->present && (out->json || !out->quiet) &&
	    describe_find_size(list->invocation->session, version->row, &size, err) < 0)
		return -1;
	if (out->json)
		write_json(list, version, &size);
	else if (out->quiet)
		output_line(out, "%d", version->row->version);
	else
		return write_row(list, version, &size, err);
	return list->writer.failed ? error_memory(err) : 0;
}

static void begin_table(struct versions_list *list)
{
	static const char *const plain[] = { "", "VERSION", "NAME", "SOURCE", "CREATED", "SNAPSHOT" };
	static const char *const with_sizes[] = { "",        "VERSION", "NAME",   "SOURCE",
						  "CREATED", "SIZE",    "INODES", "SNAPSHOT" };

	if (list->sizes)
		table_begin(&list->table, list->invocation->out->stream, with_sizes, 8);
	else
		table_begin(&list->table, list->invocation->out->stream, plain, 6);
}

int list_versions(const struct invocation *invocation, const struct target *target, struct error *err)
{
	const struct list_options *options = invocation->options;
	struct output *out = invocation->out;
	struct versions_list list = {
		.invocation = invocation,
		.sizes = options->sizes,
		.writer = { .stream = out->stream },
	};
	bool as_table = !out->json && !out->quiet;
	int result;

	if (out->json) {
		writer_object(&list.writer, NULL);
		writer_text(&list.writer, "container_id", target->container_id);
		writer_array(&list.writer, "versions");
	} else if (as_table) {
		begin_table(&list);
	}
	result = history_versions_each(invocation->session, target, write_version, &list, err);
	if (result == 0 && out->json) {
		writer_close(&list.writer);
		writer_close(&list.writer);
	} else if (result == 0 && as_table) {
		result = table_end(&list.table, err);
	}
	table_release(&list.table);
	return result;
}
