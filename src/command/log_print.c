#include "command/log_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/describe.h"
#include "command/graph.h"
#include "command/version_columns.h"
#include "output/sheet.h"

/* What a line of the list is about. */
struct row {
	struct version_line line; /* first: the columns of versions look at it */
	const struct log_version *version;
	bool stat;
};

static const struct log_version *version_of(const void *row)
{
	return ((const struct row *)row)->version;
}

static void show_parent(const void *row, struct text *cell)
{
	if (version_of(row)->parent)
		text_printf(cell, "%d", version_of(row)->parent);
}

static void write_parent(const void *row, struct json_writer *writer)
{
	writer_known(writer, "parent_version", version_of(row)->parent, version_of(row)->parent);
}

static void show_changes(const void *row, struct text *cell)
{
	char sum[DIFF_SUM_SIZE];

	if (!version_of(row)->compared)
		return;
	diff_format_sum(&version_of(row)->sum, sum);
	text_add(cell, sum);
}

static void write_changes(const void *row, struct json_writer *writer)
{
	if (!((const struct row *)row)->stat)
		return;
	if (version_of(row)->compared)
		diff_write_sum(writer, &version_of(row)->sum);
	else
		writer_null(writer, "stat");
}

static const struct column all_columns[] = {
	VERSION_ID,           VERSION_CURRENT,
	VERSION_NUMBER,       { "parent", { "PARENT", 0, false }, true, show_parent, write_parent },
	VERSION_NAME,         VERSION_RUNTIME_NAME,
	VERSION_DISPLAY_NAME, VERSION_SOURCE,
	VERSION_CREATED,      VERSION_AGE,
	VERSION_PRESENT,      VERSION_BY,
	VERSION_HOST,         { "changes", { "CHANGES", 0, false }, false, show_changes, write_changes },
	VERSION_NOTE,         { .name = NULL },
};

static int print_list(const struct invocation *invocation, const char *container_id, const struct log_history *history,
		      struct error *err)
{
	const struct log_options *options = invocation->options;
	cleanup_sheet struct sheet sheet = {
		.out = invocation->out,
		.all = all_columns,
		.key = "versions",
		.quiet = "version",
	};
	int64_t now_ns = clock_unix_ns();

	if (sheet_choose(&sheet, err) < 0)
		return -1;
	if (options->stat)
		columns_add(&sheet.columns, "changes");
	if (sheet_open(&sheet))
		writer_text(&sheet.writer, "container_id", container_id);
	sheet_begin(&sheet);
	for (size_t i = history->count; i-- > 0;) {
		const struct log_version *version = &history->versions[i];
		const struct row row = { .line = { .row = &version->row,
						   .current = version->current,
						   .present = version->present,
						   .now_ns = now_ns,
						   .origin = &version->origin },
					 .version = version,
					 .stat = options->stat };

		if (!version->left_out && sheet_row(&sheet, &row, err) < 0)
			return -1;
	}
	return sheet_end(&sheet, err);
}

/* "before the upgrade, manual, 2h ago, alice (uid 1000, bash)" */
static void add_words(const struct log_version *version, int64_t now_ns, struct text *line)
{
	const struct store_version *row = &version->row;
	char age[DESCRIBE_AGE_SIZE];

	describe_age(row->created_ns, now_ns, age);
	text_printf(line, "%d ", row->version);
	if (version->current)
		text_add(line, "(@) ");
	if (row->display_name)
		text_printf(line, "%s, ", row->display_name);
	text_printf(line, "%s, %s ago", row->source, age);
	if (!version->present)
		text_printf(line, ", not here%s%s", version->origin.host ? " but on " : "",
			    version->origin.host ? version->origin.host : "");
	if (version->origin.by)
		text_printf(line, ", %s", version->origin.by);
}

/* The part of the graph, the version's mark in it bright. */
static void print_mark(struct output *out, const char *drawn, bool bright)
{
	size_t before = strcspn(drawn, "*");

	if (bright && out->colour && drawn[before])
		fprintf(out->stream, "%.*s\033[1;32m*\033[m%s", (int)before, drawn, drawn + before + 1);
	else
		fputs(drawn, out->stream);
}

/* A line behind the part of the graph: cut where the terminal ends. */
static int print_drawn(struct output *out, const struct text *drawn, bool bright, struct text *words, struct error *err)
{
	cleanup_text struct text cut = { 0 };
	size_t used = drawn->length ? table_width(drawn->data) : 0;

	if (drawn->failed || words->failed)
		return error_memory(err);
	text_clean(words->data);
	table_add_cut(&cut, words->data, out->columns > used ? out->columns - used : 0);
	if (cut.failed)
		return error_memory(err);
	print_mark(out, drawn->length ? drawn->data : "", bright);
	fprintf(out->stream, "%s\n", cut.data ? cut.data : "");
	return 0;
}

/* What stands below a version's line: what for, how much. */
static int print_below(const struct invocation *invocation, const struct graph *graph, const char *what,
		       struct error *err)
{
	cleanup_text struct text drawn = { 0 }, words = { 0 };

	graph_space(graph, &drawn);
	text_printf(&words, "  %s", what);
	return print_drawn(invocation->out, &drawn, false, &words, err);
}

static int print_version(const struct invocation *invocation, const struct log_version *version, struct graph *graph,
			 int64_t now_ns, struct error *err)
{
	const struct log_options *options = invocation->options;
	struct output *out = invocation->out;
	cleanup_text struct text joins = { 0 }, drawn = { 0 }, words = { 0 };
	char sum[DIFF_SUM_SIZE];

	graph_join(graph, version->row.version, &joins);
	graph_node(graph, version->row.version, version->joined_to, "*", &drawn);
	if (graph->failed || joins.failed)
		return error_memory(err);
	fputs(joins.length ? joins.data : "", out->stream);
	add_words(version, now_ns, &words);
	if (print_drawn(out, &drawn, version->current, &words, err) < 0)
		return -1;
	if (version->origin.note && print_below(invocation, graph, version->origin.note, err) < 0)
		return -1;
	if (!options->stat || !version->compared)
		return 0;
	diff_format_sum(&version->sum, sum);
	return print_below(invocation, graph, sum, err);
}

static int print_graph(const struct invocation *invocation, const struct log_history *history, struct error *err)
{
	int64_t now_ns = clock_unix_ns();
	struct graph graph = { 0 };
	int result = 0;

	for (size_t i = history->count; result == 0 && i-- > 0;)
		if (!history->versions[i].left_out)
			result = print_version(invocation, &history->versions[i], &graph, now_ns, err);
	graph_release(&graph);
	return result;
}

int log_print(const struct invocation *invocation, const char *container_id, const struct log_history *history,
	      struct error *err)
{
	const struct output *out = invocation->out;

	return out->columns && !out->json && !out->quiet ? print_graph(invocation, history, err)
							 : print_list(invocation, container_id, history, err);
}
