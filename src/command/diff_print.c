#include "command/diff_print.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "output/escape.h"
#include "output/table.h"
#include "output/terminal.h"

/* Columns of the bar, where the terminal has room for more than that. */
#define BAR_MOST 40

static void write_size(struct json_writer *writer, const char *key, bool known, int64_t size)
{
	if (known)
		writer_integer(writer, key, size);
	else
		writer_null(writer, key);
}

const char *diff_change_word(char change)
{
	return change == 'A' ? "added" : change == 'D' ? "deleted" : "modified";
}

void diff_print_item(struct json_writer *writer, const struct compare_item *item)
{
	writer_object(writer, NULL);
	writer_path(writer, "path", item->path);
	writer_text(writer, "change", diff_change_word(item->change));
	writer_text(writer, "kind", compare_kind(item->mode));
	write_size(writer, "size", item->change != 'D', item->size);
	write_size(writer, "size_before", item->change != 'A', item->size_before);
	writer_close(writer);
}

static void write_version(struct json_writer *writer, const char *key, int32_t version)
{
	if (version)
		writer_integer(writer, key, version);
	else
		writer_null(writer, key);
}

void diff_write_sum(struct json_writer *writer, const struct diff_sum *sum)
{
	writer_object(writer, "stat");
	writer_integer(writer, "added", (int64_t)sum->added);
	writer_integer(writer, "modified", (int64_t)sum->modified);
	writer_integer(writer, "deleted", (int64_t)sum->deleted);
	writer_integer(writer, "bytes_added", sum->more);
	writer_integer(writer, "bytes_deleted", sum->less);
	writer_close(writer);
}

void diff_open_document(struct json_writer *writer, const struct diff_header *header)
{
	writer_object(writer, NULL);
	writer_text(writer, "container_id", header->container_id);
	write_version(writer, "from", header->from);
	write_version(writer, "to", header->to);
	writer_array(writer, "changes");
}

static int print_json(const struct invocation *invocation, const struct diff_header *header,
		      const struct comparison *comparison, struct error *err)
{
	const struct diff_options *options = invocation->options;
	struct diff_sum sum = diff_sum_of(comparison);
	struct json_writer writer = { .stream = invocation->out->stream };

	diff_open_document(&writer, header);
	for (size_t i = 0; i < comparison->count; i++)
		diff_print_item(&writer, &comparison->items[i]);
	writer_close(&writer);
	if (options->stat)
		diff_write_sum(&writer, &sum);
	writer_close(&writer);
	return writer.failed ? error_memory(err) : 0;
}

int diff_print_line(struct output *out, const struct compare_item *item, struct error *err)
{
	cleanup_text struct text line = { 0 };

	if (!out->quiet)
		text_printf(&line, "%c ", item->change);
	escape_path(&line, item->path);
	if (line.failed)
		return error_memory(err);
	fprintf(out->stream, "%s\n", line.data);
	return 0;
}

struct diff_sum diff_sum_of(const struct comparison *comparison)
{
	struct diff_sum sum = { 0 };

	for (size_t i = 0; i < comparison->count; i++) {
		const struct compare_item *item = &comparison->items[i];
		int64_t grown = item->size - item->size_before;

		sum.added += item->change == 'A';
		sum.modified += item->change == 'M';
		sum.deleted += item->change == 'D';
		sum.more += grown > 0 ? grown : 0;
		sum.less += grown < 0 ? -grown : 0;
	}
	return sum;
}

static void add_count(struct text *text, size_t count, const char *what)
{
	if (count)
		text_printf(text, "%s%zu %s", text->length ? ", " : "", count, what);
}

void diff_format_sum(const struct diff_sum *sum, char text[static DIFF_SUM_SIZE])
{
	cleanup_text struct text parts = { 0 };
	char more[OUTPUT_SIZE_SIZE], less[OUTPUT_SIZE_SIZE];

	add_count(&parts, sum->added, "added");
	add_count(&parts, sum->modified, "modified");
	add_count(&parts, sum->deleted, "deleted");
	output_format_size(sum->more, more);
	output_format_size(sum->less, less);
	snprintf(text, DIFF_SUM_SIZE, "%s; %s more, %s less", parts.length ? parts.data : "nothing differs", more,
		 less);
}

/* A bar as long as the change is large beside the largest of them: what came as "+", what went as "-". */
static void add_bar(struct text *line, const struct compare_item *item, int64_t largest, size_t room)
{
	int64_t grown = item->size - item->size_before, size = grown < 0 ? -grown : grown;
	size_t length = largest ? (size_t)((double)size / (double)largest * (double)room + 0.5) : 0;

	if (size && length == 0)
		length = 1;
	if (length)
		text_add(line, " ");
	while (length--)
		text_add(line, grown < 0 ? "-" : "+");
}

static int64_t find_largest(const struct comparison *comparison)
{
	int64_t largest = 0;

	for (size_t i = 0; i < comparison->count; i++) {
		int64_t grown = comparison->items[i].size - comparison->items[i].size_before;

		grown = grown < 0 ? -grown : grown;
		largest = grown > largest ? grown : largest;
	}
	return largest;
}

/* "12 B -> 1.0 KiB", "+12 B", "-12 B". */
static void add_sizes(struct text *line, const struct compare_item *item)
{
	char now[OUTPUT_SIZE_SIZE], before[OUTPUT_SIZE_SIZE];

	output_format_size(item->size, now);
	output_format_size(item->size_before, before);
	if (item->change == 'A')
		text_printf(line, "+%s", now);
	else if (item->change == 'D')
		text_printf(line, "-%s", before);
	else if (item->size == item->size_before)
		text_printf(line, "%s", now);
	else
		text_printf(line, "%s -> %s", before, now);
}

/* Wide enough for all of them, as far as a terminal has room. */
static size_t path_width(const struct comparison *comparison, size_t columns, struct error *err)
{
	size_t width = 0, most = columns ? (columns > 50 ? columns - 40 : columns / 2) : SIZE_MAX;

	for (size_t i = 0; i < comparison->count; i++) {
		cleanup_text struct text path = { 0 };
		size_t own;

		escape_path(&path, comparison->items[i].path);
		if (path.failed) {
			error_memory(err);
			return SIZE_MAX;
		}
		own = table_width(path.data);
		width = own > width ? own : width;
	}
	return width < most ? width : most;
}

static int print_stat_line(struct output *out, const struct compare_item *item, size_t width, int64_t largest,
			   struct error *err)
{
	cleanup_text struct text path = { 0 }, cut = { 0 }, line = { 0 };
	size_t columns = out->columns, used;

	escape_path(&path, item->path);
	if (!path.failed)
		table_add_cut(&cut, path.data, width);
	if (path.failed || cut.failed)
		return error_memory(err);
	text_printf(&line, "%c %s%*s | ", item->change, cut.data, (int)(width - table_width(cut.data)), "");
	add_sizes(&line, item);
	used = line.failed ? 0 : table_width(line.data);
	if (columns > used + 2)
		add_bar(&line, item, largest, columns - used - 1 < BAR_MOST ? columns - used - 1 : BAR_MOST);
	if (line.failed)
		return error_memory(err);
	fprintf(out->stream, "%s\n", line.data);
	return 0;
}

static int print_stat(struct output *out, const struct comparison *comparison, struct error *err)
{
	struct diff_sum sum = diff_sum_of(comparison);
	size_t width = path_width(comparison, out->columns, err);
	int64_t largest = find_largest(comparison);
	char text[DIFF_SUM_SIZE];

	if (width == SIZE_MAX)
		return -1;
	for (size_t i = 0; i < comparison->count; i++)
		if (print_stat_line(out, &comparison->items[i], width, largest, err) < 0)
			return -1;
	diff_format_sum(&sum, text);
	output_line(out, "%s", text);
	return 0;
}

int diff_print(const struct invocation *invocation, const struct diff_header *header,
	       const struct comparison *comparison, struct error *err)
{
	const struct diff_options *options = invocation->options;
	struct output *out = invocation->out;

	if (out->json)
		return print_json(invocation, header, comparison, err);
	if (options->stat && !out->quiet)
		return print_stat(out, comparison, err);
	for (size_t i = 0; i < comparison->count; i++) {
		const struct compare_item *item = &comparison->items[i];

		if (options->null && out->quiet)
			fprintf(out->stream, "%s%c", item->path, '\0');
		else if (options->null)
			fprintf(out->stream, "%c %s%c", item->change, item->path, '\0');
		else if (diff_print_line(out, item, err) < 0)
			return -1;
	}
	return 0;
}
