#include "command/log_print.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/describe.h"
#include "command/graph.h"
#include "output/table.h"
#include "workspace/names.h"

static void write_number(struct json_writer *writer, const char *key, int32_t number)
{
	if (number)
		writer_integer(writer, key, number);
	else
		writer_null(writer, key);
}

static void write_stat(struct json_writer *writer, const struct log_version *version)
{
	if (!version->compared) {
		writer_null(writer, "stat");
		return;
	}
	diff_write_sum(writer, &version->sum);
}

static int print_json(const struct invocation *invocation, const char *container_id, const struct log_history *history,
		      struct error *err)
{
	const struct log_options *options = invocation->options;
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", container_id);
	writer_array(&writer, "versions");
	for (size_t i = history->count; i-- > 0;) {
		const struct log_version *version = &history->versions[i];

		if (version->left_out)
			continue;
		writer_object(&writer, NULL);
		describe_version(&writer, &version->row);
		writer_bool(&writer, "current", version->current);
		writer_bool(&writer, "present", version->present);
		write_number(&writer, "parent_version", version->parent);
		describe_origin(&writer, &version->origin);
		if (options->stat)
			write_stat(&writer, version);
		writer_close(&writer);
	}
	writer_close(&writer);
	writer_close(&writer);
	return writer.failed ? error_memory(err) : 0;
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

static int write_row(struct table *table, const struct log_version *version, bool stat, int64_t now_ns,
		     struct error *err)
{
	cleanup_free char *shown = name_shown(version->row.display_name, version->row.version);
	char number[16], parent[16], created[DESCRIBE_TIME_SIZE], age[DESCRIBE_AGE_SIZE], sum[DIFF_SUM_SIZE];

	if (!shown)
		return error_memory(err);
	snprintf(number, sizeof(number), "%d", version->row.version);
	snprintf(parent, sizeof(parent), "%d", version->parent);
	describe_time(version->row.created_ns, created);
	describe_age(version->row.created_ns, now_ns, age);
	table_cell(table, version->current ? "*" : "");
	table_cell(table, number);
	table_cell(table, version->parent ? parent : NULL);
	table_cell(table, shown);
	table_cell(table, version->row.source);
	table_cell(table, created);
	table_cell(table, age);
	table_cell(table, version->present ? "present" : "missing");
	table_cell(table, version->origin.by);
	table_cell(table, version->origin.host);
	if (stat && version->compared)
		diff_format_sum(&version->sum, sum);
	if (stat)
		table_cell(table, version->compared ? sum : NULL);
	table_cell(table, version->origin.note);
	return 0;
}

static int print_table(const struct invocation *invocation, const struct log_history *history, struct error *err)
{
	static const char *const plain[] = { "",    "VERSION",  "PARENT", "NAME", "SOURCE", "CREATED",
					     "AGE", "SNAPSHOT", "BY",     "HOST", "NOTE" };
	static const char *const with_stat[] = { "",    "VERSION",  "PARENT", "NAME", "SOURCE",  "CREATED",
						 "AGE", "SNAPSHOT", "BY",     "HOST", "CHANGES", "NOTE" };
	bool stat = ((const struct log_options *)invocation->options)->stat;
	cleanup_table struct table table = { 0 };
	int64_t now_ns = clock_unix_ns();

	table_begin(&table, invocation->out->stream, stat ? with_stat : plain, stat ? 12 : 11);
	for (size_t i = history->count; i-- > 0;)
		if (!history->versions[i].left_out && write_row(&table, &history->versions[i], stat, now_ns, err) < 0)
			return -1;
	return table_end(&table, err);
}

int log_print(const struct invocation *invocation, const char *container_id, const struct log_history *history,
	      struct error *err)
{
	struct output *out = invocation->out;

	if (out->json)
		return print_json(invocation, container_id, history, err);
	if (!out->quiet)
		return out->columns ? print_graph(invocation, history, err) : print_table(invocation, history, err);
	for (size_t i = history->count; i-- > 0;)
		if (!history->versions[i].left_out)
			output_line(out, "%d", history->versions[i].row.version);
	return 0;
}
