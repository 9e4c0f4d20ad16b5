#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/describe.h"
#include "command/graph.h"
#include "command/list.h"
#include "output/sheet.h"
#include "workspace/history.h"

struct row;

struct snapshots_list {
	const char *snapshotter;
	int64_t now_ns;
	struct sheet sheet;
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

static void write_version(const void *row, struct json_writer *writer)
{
	writer_known(writer, "version", described_of(row)->version, described_of(row)->version);
}

static void show_name(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell) && described_of(row)->display_name)
		text_add(cell, described_of(row)->display_name);
}

static void write_name(const void *row, struct json_writer *writer)
{
	writer_text(writer, "display_name", described_of(row)->display_name);
}

static void show_kind(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, kind_name(described_of(row)->snapshot->kind));
}

static void write_kind(const void *row, struct json_writer *writer)
{
	writer_text(writer, "kind", kind_name(described_of(row)->snapshot->kind));
}

static void show_source(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, described_of(row)->source ? described_of(row)->source : "-");
}

static void write_source(const void *row, struct json_writer *writer)
{
	writer_text(writer, "source", described_of(row)->source);
}

static void show_created(const void *row, struct text *cell)
{
	char created[DESCRIBE_TIME_SIZE];

	if (is_drawing(row, cell))
		return;
	describe_time(described_of(row)->snapshot->created_ns, created);
	text_add(cell, created);
}

static void write_created(const void *row, struct json_writer *writer)
{
	writer_time(writer, "created_at", described_of(row)->snapshot->created_ns);
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

/* Under both names: one as containerd calls it, one as versions have it. */
static void write_snapshot_name(const void *row, struct json_writer *writer)
{
	writer_text(writer, "name", described_of(row)->snapshot->name);
	writer_text(writer, "runtime_snapshot_name", described_of(row)->snapshot->name);
}

static void show_parent(const void *row, struct text *cell)
{
	if (!is_drawing(row, cell))
		text_add(cell, *described_of(row)->snapshot->parent ? described_of(row)->snapshot->parent : "-");
}

static void write_parent(const void *row, struct json_writer *writer)
{
	writer_text(writer, "parent", described_of(row)->snapshot->parent);
}

static void write_snapshotter(const void *row, struct json_writer *writer)
{
	writer_text(writer, "snapshotter", ((const struct row *)row)->list->snapshotter);
}

static void write_updated(const void *row, struct json_writer *writer)
{
	writer_time(writer, "updated_at", described_of(row)->snapshot->updated_ns);
}

static void write_labels(const void *row, struct json_writer *writer)
{
	const struct labels *labels = &described_of(row)->snapshot->labels;

	writer_object(writer, "labels");
	for (size_t i = 0; i < labels->count; i++)
		writer_text(writer, labels->items[i].key, labels->items[i].value);
	writer_close(writer);
}

static void write_managed(const void *row, struct json_writer *writer)
{
	writer_bool(writer, "managed", described_of(row)->managed);
}

static const struct column all_columns[] = {
	{ "tree", { "", 0, false }, false, show_tree, NULL },
	{ "version", { "VERSION", 1, false }, true, show_version, write_version },
	{ "name", { "NAME", 2, true }, true, show_name, write_name },
	{ "kind", { "KIND", 5, false }, true, show_kind, write_kind },
	{ "source", { "SOURCE", 3, false }, true, show_source, write_source },
	{ "created", { "CREATED", 6, false }, true, show_created, write_created },
	{ "age", { "AGE", 4, false }, true, show_age, NULL },
	{ "snapshot", { "SNAPSHOT", 0, true }, true, show_snapshot, write_snapshot_name },
	{ "parent", { "PARENT", 7, true }, false, show_parent, write_parent },
	{ .name = "snapshotter", .write = write_snapshotter },
	{ .name = "updated", .write = write_updated },
	{ .name = "labels", .write = write_labels },
	{ .name = "managed", .write = write_managed },
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

		if (sheet_row(&list->sheet, &row, err) < 0)
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
	return print_joins(list, &joins, err) < 0 ? -1 : sheet_row(&list->sheet, row, err);
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

	return list->as_tree ? keep(list, described, err) : sheet_row(&list->sheet, &row, err);
}

static int begin(struct snapshots_list *list, const char *container_id, struct error *err)
{
	struct sheet *sheet = &list->sheet;
	struct json_writer *writer;

	if (sheet_choose(sheet, err) < 0)
		return -1;
	writer = sheet_open(sheet);
	if (writer) {
		writer_text(writer, "container_id", container_id);
		writer_text(writer, "snapshotter", list->snapshotter);
	}
	list->as_tree = sheet->out->columns && !sheet->words && !sheet->out->json && !sheet->out->quiet;
	if (list->as_tree)
		columns_add(&sheet->columns, "tree");
	sheet_begin(sheet);
	return 0;
}

int list_snapshots(const struct invocation *invocation, const struct target *target, struct error *err)
{
	const struct list_options *options = invocation->options;
	struct snapshots_list list = {
		.snapshotter = target->container.snapshotter,
		.now_ns = clock_unix_ns(),
		.sheet = { .out = invocation->out,
			   .all = all_columns,
			   .key = "snapshots",
			   .quiet = "snapshot",
			   .words = options->columns,
			   .no_header = options->no_header },
	};
	int result = begin(&list, target->container_id, err);

	if (result == 0)
		result = history_snapshots_each(invocation->session, target, write_snapshot, &list, err);
	if (result == 0 && list.as_tree)
		result = print_tree(&list, err);
	if (result == 0)
		result = sheet_end(&list.sheet, err);
	sheet_release(&list.sheet);
	forget(&list);
	return result;
}
