#include "command/describe.h"
#include "command/list.h"
#include "output/table.h"
#include "workspace/history.h"

struct snapshots_list {
	struct output *out;
	const char *snapshotter;
	struct json_writer writer;
	struct table table;
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

static void write_row(struct snapshots_list *list, const struct history_snapshot *described)
{
	const struct ctr_snapshot *snapshot = described->snapshot;
	char number[16], created[DESCRIBE_TIME_SIZE];

	snprintf(number, sizeof(number), "%d", described->version);
	describe_time(snapshot->created_ns, created);
	table_cell(&list->table, described->version ? number : NULL);
	table_cell(&list->table, described->display_name);
	table_cell(&list->table, kind_name(snapshot->kind));
	table_cell(&list->table, described->source);
	table_cell(&list->table, created);
	table_cell(&list->table, snapshot->name);
}

static int write_snapshot(const struct history_snapshot *described, void *context, struct error *err)
{
	struct snapshots_list *list = context;

	if (list->out->json)
		write_json(list, described);
	else if (list->out->quiet)
		output_line(list->out, "%s", described->snapshot->name);
	else
		write_row(list, described);
	return list->writer.failed ? error_memory(err) : 0;
}

int list_snapshots(const struct invocation *invocation, const struct target *target, struct error *err)
{
	static const char *const headings[] = { "VERSION", "NAME", "KIND", "SOURCE", "CREATED", "SNAPSHOT" };
	struct output *out = invocation->out;
	struct snapshots_list list = {
		.out = out,
		.snapshotter = target->container.snapshotter,
		.writer = { .stream = out->stream },
	};
	bool as_table = !out->json && !out->quiet;
	int result;

	if (out->json) {
		writer_object(&list.writer, NULL);
		writer_text(&list.writer, "container_id", target->container_id);
		writer_text(&list.writer, "snapshotter", list.snapshotter);
		writer_array(&list.writer, "snapshots");
	} else if (as_table) {
		table_begin(&list.table, out->stream, headings, 6);
	}
	result = history_snapshots_each(invocation->session, target, write_snapshot, &list, err);
	if (result == 0 && out->json) {
		writer_close(&list.writer);
		writer_close(&list.writer);
	} else if (result == 0 && as_table) {
		result = table_end(&list.table, err);
	}
	table_release(&list.table);
	return result;
}
