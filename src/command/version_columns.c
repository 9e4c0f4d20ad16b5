#include "command/version_columns.h"

#include "base/cleanup.h"
#include "command/describe.h"
#include "workspace/names.h"

static const struct version_line *line_of(const void *row)
{
	return row;
}

static const struct store_version *row_of(const void *row)
{
	return line_of(row)->row;
}

static void add(struct text *cell, const char *value)
{
	if (value)
		text_add(cell, value);
}

void version_show_current(const void *row, struct text *cell)
{
	text_add(cell, line_of(row)->current ? "*" : "");
}

void version_write_current(const void *row, struct json_writer *writer)
{
	writer_bool(writer, "current", line_of(row)->current);
}

void version_show_number(const void *row, struct text *cell)
{
	text_printf(cell, "%d", row_of(row)->version);
}

void version_write_number(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "version", row_of(row)->version);
}

void version_show_name(const void *row, struct text *cell)
{
	cleanup_free char *shown = name_shown(row_of(row)->display_name, row_of(row)->version);

	cell->failed |= !shown;
	add(cell, shown);
}

void version_write_snapshot_name(const void *row, struct json_writer *writer)
{
	cleanup_free char *shown = name_shown(row_of(row)->display_name, row_of(row)->version);

	writer->failed |= !shown;
	writer_text(writer, "snapshot_name", shown);
}

void version_write_display_name(const void *row, struct json_writer *writer)
{
	writer_text(writer, "display_name", row_of(row)->display_name);
}

void version_show_source(const void *row, struct text *cell)
{
	add(cell, row_of(row)->source);
}

void version_write_source(const void *row, struct json_writer *writer)
{
	writer_text(writer, "source", row_of(row)->source);
}

void version_show_created(const void *row, struct text *cell)
{
	char created[DESCRIBE_TIME_SIZE];

	describe_time(row_of(row)->created_ns, created);
	text_add(cell, created);
}

void version_write_created(const void *row, struct json_writer *writer)
{
	writer_time(writer, "created_at", row_of(row)->created_ns);
}

void version_show_age(const void *row, struct text *cell)
{
	char age[DESCRIBE_AGE_SIZE];

	describe_age(row_of(row)->created_ns, line_of(row)->now_ns, age);
	text_add(cell, age);
}

void version_show_size(const void *row, struct text *cell)
{
	const struct snapshot_size *size = line_of(row)->size;
	char bytes[OUTPUT_SIZE_SIZE];

	if (!size || !size->known)
		return;
	output_format_size(size->bytes, bytes);
	text_add(cell, bytes);
}

void version_write_bytes(const void *row, struct json_writer *writer)
{
	const struct snapshot_size *size = line_of(row)->size;

	if (size)
		writer_known(writer, "size_bytes", size->known, size->bytes);
}

void version_show_inodes(const void *row, struct text *cell)
{
	const struct snapshot_size *size = line_of(row)->size;

	if (size && size->known)
		text_printf(cell, "%lld", (long long)size->inodes);
}

void version_write_inodes(const void *row, struct json_writer *writer)
{
	const struct snapshot_size *size = line_of(row)->size;

	if (size)
		writer_known(writer, "size_inodes", size->known, size->inodes);
}

void version_show_present(const void *row, struct text *cell)
{
	text_add(cell, line_of(row)->present ? "present" : "missing");
}

void version_write_present(const void *row, struct json_writer *writer)
{
	writer_bool(writer, "present", line_of(row)->present);
}

void version_show_runtime_name(const void *row, struct text *cell)
{
	text_add(cell, row_of(row)->runtime_name);
}

void version_write_runtime_name(const void *row, struct json_writer *writer)
{
	writer_text(writer, "runtime_snapshot_name", row_of(row)->runtime_name);
}

void version_show_id(const void *row, struct text *cell)
{
	text_add(cell, row_of(row)->id);
}

void version_write_id(const void *row, struct json_writer *writer)
{
	writer_text(writer, "id", row_of(row)->id);
}

void version_show_by(const void *row, struct text *cell)
{
	add(cell, line_of(row)->origin->by);
}

void version_write_by(const void *row, struct json_writer *writer)
{
	writer_text(writer, "by", line_of(row)->origin->by);
}

void version_show_host(const void *row, struct text *cell)
{
	add(cell, line_of(row)->origin->host);
}

void version_write_host(const void *row, struct json_writer *writer)
{
	writer_text(writer, "host", line_of(row)->origin->host);
}

void version_show_note(const void *row, struct text *cell)
{
	add(cell, line_of(row)->origin->note);
}

void version_write_note(const void *row, struct json_writer *writer)
{
	writer_text(writer, "note", line_of(row)->origin->note);
}

static const struct column saved_columns[] = { VERSION_NUMBER,       VERSION_NAME,   VERSION_RUNTIME_NAME,
					       VERSION_DISPLAY_NAME, VERSION_SOURCE, VERSION_CREATED,
					       { .name = NULL } };

void version_write_saved(const struct store_version *row, struct json_writer *writer)
{
	const struct version_line line = { .row = row };

	columns_write_keys(saved_columns, &line, writer);
}

void version_write(const struct store_version *row, struct json_writer *writer)
{
	const struct version_line line = { .row = row };

	version_write_id(&line, writer);
	version_write_saved(row, writer);
}
