#include "base/clock.h"
#include "command/describe.h"
#include "command/list.h"
#include "command/snapshot_tree.h"
#include "output/sheet.h"
#include "workspace/history.h"

struct snapshots_list {
	const char *snapshotter;
	int64_t now_ns;
	struct sheet sheet;
	bool as_tree; /* on a terminal; then all of them are gathered first */
	struct snapshot_tree tree;
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
	const char *drawn; /* what came from what, to its left; of a line that only draws, all there is */
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

static int write_snapshot(const struct history_snapshot *described, void *context, struct error *err)
{
	struct snapshots_list *list = context;
	const struct row row = { .list = list, .described = *described };

	return list->as_tree ? snapshot_tree_add(&list->tree, described, err) : sheet_row(&list->sheet, &row, err);
}

static int write_line(const char *drawn, const struct history_snapshot *described, void *context, struct error *err)
{
	struct snapshots_list *list = context;
	struct row row = { .list = list, .drawn = drawn, .only_drawn = !described };

	if (described)
		row.described = *described;
	return sheet_row(&list->sheet, &row, err);
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
		result = snapshot_tree_draw(&list.tree, write_line, &list, err);
	if (result == 0)
		result = sheet_end(&list.sheet, err);
	sheet_release(&list.sheet);
	snapshot_tree_release(&list.tree);
	return result;
}
