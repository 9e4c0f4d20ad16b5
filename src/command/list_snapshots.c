#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/describe.h"
#include "command/graph.h"
#include "command/list.h"
#include "output/columns.h"
#include "workspace/history.h"

struct row;

struct snapshots_list {
	struct output *out;
	const char *snapshotter;
	int64_t now_ns;
	struct json_writer writer;
	struct columns columns;
	bool as_tree; /* on a terminal; then these are gathered: */
	struct row *rows;
	char **texts; /* display name and source of each */
	size_t count;
};

static const char *kind_name(enum ctr_snapshot_kind kind)
{
	switch (kind) {
	case CTR_SNAPSHOT_VIEW:
		return "view";
	case CTR_SNAPSHOT_ACTIVE:
		return "active";
	case CTR_SNAPSHOT_COMMITTED:
		return "committed";
	}
	return "unknown";
}

static void write_labels(struct json_writer *writer, const struct labels *labels)
{
	writer_object(writer, "labels");
	for (size_t i = 0; i < labels->count; i++)
		writer_text(writer, labels->items[i].key, labels->items[i].value);
	writer_close(writer);
}

static void write_json(struct snapshots_list *list, const struct history_snapshot *described)
{
	const struct ctr_snapshot *snapshot = described->snapshot;
	struct json_writer *writer = &list->writer;

	writer_object(writer, NULL);
	writer_text(writer, "snapshotter", list->snapshotter);
	writer_text(writer, "name", snapshot->name);
	writer_text(writer, "display_name", described->display_name);
	writer_text(writer, "runtime_snapshot_name", snapshot->name);
	writer_text(writer, "parent", snapshot->parent);
	writer_text(writer, "kind", kind_name(snapshot->kind));
	writer_time(writer, "created_at", snapshot->created_ns);
	writer_time(writer, "updated_at", snapshot->updated_ns);
	write_labels(writer, &snapshot->labels);
	writer_text(writer, "source", described->source);
	writer_bool(writer, "managed", described->managed);
	if (described->version)
		writer_integer(writer, "version", described->version);
	else
		writer_null(writer, "version");
	writer_close(writer);
}

/* What a line is about. */
struct row {
	const struct snapshots_list *list;
	char *drawn; /* what came from what, to its left; of a line that only draws, all there is */
	bool only_drawn;
	struct history_snapshot described;
};

static const struct history_snapshot *described_of(const void *row)
{
	return &((const struct row *)row)->described;
}

static bool is_drawing(const void *row, struct text *cell)
{
	if (((const struct row *)row)->only_drawn)
		text_add(cell, "");
	return ((const struct row *)row)->only_drawn;
}

static void show_tree(const void *row, struct text *cell)
{
	const char *drawn = ((const struct row *)row)->drawn;

	text_add(cell, drawn ? drawn : "");
}

static void show_version(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell) && described_of(row)->version)
		text_printf(cell, "%d", described_of(row)->version);
}

static void show_name(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell) && described_of(row)->display_name)
		text_add(cell, described_of(row)->display_name);
}

static void show_kind(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, kind_name(described_of(row)->snapshot->kind));
}

static void show_source(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, described_of(row)->source ? described_of(row)->source : "-");
}

static void show_created(const void *row, struct text *cell)
{
	char created[DESCRIBE_TIME_SIZE];

	if (is_drawing(row, cell))
		return;
	describe_time(described_of(row)->snapshot->created_ns, created);
	text_add(cell, created);
}

static void show_age(const void *row, struct text *cell)
{
	char age[DESCRIBE_AGE_SIZE];

	if (is_drawing(row, cell))
		return;
	describe_age(described_of(row)->snapshot->created_ns, ((const struct row *)row)->list->now_ns, age);
	text_add(cell, age);
}

static void show_snapshot(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, described_of(row)->snapshot->name);
}

static void show_parent(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, *described_of(row)->snapshot->parent ? described_of(row)->snapshot->parent : "-");
}

static const struct column all_columns[] = {
	{ "tree", { "", 0, false }, false, show_tree },
	{ "version", { "VERSION", 1, false }, true, show_version },
	{ "name", { "NAME", 2, true }, true, show_name },
	{ "kind", { "KIND", 5, false }, true, show_kind },
	{ "source", { "SOURCE", 3, false }, true, show_source },
	{ "created", { "CREATED", 6, false }, true, show_created },
	{ "age", { "AGE", 4, false }, true, show_age },
	{ "snapshot", { "SNAPSHOT", 0, true }, true, show_snapshot },
	{ "parent", { "PARENT", 7, true }, false, show_parent },
	{ .name = NULL },
};

int list_snapshots_check(const char *words, struct error *err)
{
	struct columns columns;

	return columns_choose(&columns, all_columns, words, err);
}

/* --- as a tree: all of them are gathered first, the youngest above -------------------------------------- */

static void forget(struct snapshots_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		struct history_snapshot *kept = &list->rows[i].described;
		struct ctr_snapshot *snapshot;

		memcpy(&snapshot, &kept->snapshot, sizeof(snapshot));
		ctr_snapshot_release(snapshot);
		free(snapshot);
		free(list->texts[2 * i]);
		free(list->texts[2 * i + 1]);
		free(list->rows[i].drawn);
	}
	free(list->rows);
	free(list->texts);
}

/* What is drawn needs no more of a snapshot than its names and times. */
static struct ctr_snapshot *copy_of(const struct ctr_snapshot *snapshot)
{
	struct ctr_snapshot *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->name = strdup(snapshot->name);
	copy->parent = strdup(snapshot->parent);
	copy->kind = snapshot->kind;
	copy->created_ns = snapshot->created_ns;
	if (copy->name && copy->parent)
		return copy;
	ctr_snapshot_release(copy);
	free(copy);
	return NULL;
}

static int grow(struct snapshots_list *list, struct error *err)
{
	struct row *rows = reallocarray(list->rows, list->count + 1, sizeof(*rows));
	char **texts;

	if (!rows)
		return error_memory(err);
	list->rows = rows;
	texts = reallocarray(list->texts, 2 * (list->count + 1), sizeof(*texts));
	if (!texts)
		return error_memory(err);
	list->texts = texts;
	return 0;
}

static int keep(struct snapshots_list *list, const struct history_snapshot *described, struct error *err)
{
	struct ctr_snapshot *copy = grow(list, err) < 0 ? NULL : copy_of(described->snapshot);
	char **texts = list->texts ? list->texts + 2 * list->count : NULL;

	if (!copy)
		return error_memory(err);
	texts[0] = described->display_name ? strdup(described->display_name) : NULL;
	texts[1] = described->source ? strdup(described->source) : NULL;
	list->rows[list->count++] = (struct row){ .list = list,
						  .described = { .snapshot = copy,
								 .managed = described->managed,
								 .display_name = texts[0],
								 .source = texts[1],
								 .version = described->version } };
	return 0;
}

/* A parent was committed before what stands on it was made. */
static int compare_ages(const void *a, const void *b, void *context)
{
	const struct row *rows = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_ns = rows[left].described.snapshot->created_ns;
	int64_t right_ns = rows[right].described.snapshot->created_ns;

	if (left_ns != right_ns)
		return left_ns < right_ns ? 1 : -1;
	return (left > right) - (left < right);
}

static int32_t number_of(const struct snapshots_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->rows[i].described.snapshot->name, name) == 0)
			return (int32_t)i + 1;
	return 0;
}

static int print_joins(struct snapshots_list *list, struct text *joins, struct error *err)
{
	char *save = NULL;

	for (char *line = joins->length ? strtok_r(joins->data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		const struct row row = { .drawn = line, .only_drawn = true };

		if (columns_row(&list->columns, &row, err) < 0)
			return -1;
	}
	return 0;
}

static int print_drawn(struct snapshots_list *list, struct graph *graph, size_t place, struct error *err)
{
	struct row *row = &list->rows[place];
	cleanup_text struct text joins = { 0 }, drawn = { 0 };

	graph_join(graph, (int32_t)place + 1, &joins);
	graph_node(graph, (int32_t)place + 1, number_of(list, row->described.snapshot->parent), "*", &drawn);
	if (graph->failed || joins.failed || drawn.failed)
		return error_memory(err);
	row->drawn = text_steal(&drawn);
	return print_joins(list, &joins, err) < 0 ? -1 : columns_row(&list->columns, row, err);
}

static int print_tree(struct snapshots_list *list, struct error *err)
{
	cleanup_free size_t *order = calloc(list->count + 1, sizeof(*order));
	struct graph graph = { 0 };
	int result = 0;

	if (!order)
		return error_memory(err);
	for (size_t i = 0; i < list->count; i++)
		order[i] = i;
	qsort_r(order, list->count, sizeof(*order), compare_ages, list->rows);
	for (size_t i = 0; result == 0 && i < list->count; i++)
		result = print_drawn(list, &graph, order[i], err);
	graph_release(&graph);
	return result;
}

/* --- the list -------------------------------------------------------------------------------------------- */

static int write_snapshot(const struct history_snapshot *described, void *context, struct error *err)
{
	struct snapshots_list *list = context;
	const struct row row = { .list = list, .described = *described };

	if (list->out->json)
		write_json(list, described);
	else if (list->out->quiet)
		output_line(list->out, "%s", described->snapshot->name);
	else if (list->as_tree)
		return keep(list, described, err);
	else
		return columns_row(&list->columns, &row, err);
	return list->writer.failed ? error_memory(err) : 0;
}

static int begin(struct snapshots_list *list, const struct list_options *options, const char *container_id,
		 struct error *err)
{
	struct output *out = list->out;

	if (columns_choose(&list->columns, all_columns, options->columns, err) < 0)
		return -1;
	if (out->json) {
		writer_object(&list->writer, NULL);
		writer_text(&list->writer, "container_id", container_id);
		writer_text(&list->writer, "snapshotter", list->snapshotter);
		writer_array(&list->writer, "snapshots");
		return 0;
	}
	list->as_tree = out->columns && !options->columns;
	if (list->as_tree)
		columns_add(&list->columns, "tree");
	if (!out->quiet)
		columns_begin(&list->columns, out, !options->no_header);
	return 0;
}

static int end(struct snapshots_list *list, struct error *err)
{
	if (list->out->json) {
		writer_close(&list->writer);
		writer_close(&list->writer);
		return 0;
	}
	if (list->out->quiet)
		return 0;
	if (list->as_tree && print_tree(list, err) < 0)
		return -1;
	return columns_end(&list->columns, err);
}

int list_snapshots(const struct invocation *invocation, const struct target *target, struct error *err)
{
	struct snapshots_list list = {
		.out = invocation->out,
		.snapshotter = target->container.snapshotter,
		.now_ns = clock_unix_ns(),
		.writer = { .stream = invocation->out->stream },
	};
	int result = begin(&list, invocation->options, target->container_id, err);

	if (result == 0)
		result = history_snapshots_each(invocation->session, target, write_snapshot, &list, err);
	if (result == 0)
		result = end(&list, err);
	columns_release(&list.columns);
	forget(&list);
	return result;
}
