#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "command/commands.h"
#include "command/version_columns.h"
#include "operation/settled_version.h"
#include "recover/bring_back.h"
#include "workspace/blueprint.h"
#include "workspace/history.h"

struct show_options {
	bool spec;
};

static const struct option_spec show_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "spec",
	  .offset = offsetof(struct show_options, spec),
	  .help = "print what makes the container of that version, as JSON" },
	{ .type = OPTION_END },
};

/* What `show` tells of a version. */
struct shown_version {
	struct version_line line; /* first: the columns of versions look at it */
	const char *container_id;
	struct store_version row;
	struct snapshot_size size;
	char *operation_id; /* NULL: unknown */
	struct origin origin;
};

static void shown_release(struct shown_version *shown)
{
	store_version_release(&shown->row);
	free(shown->operation_id);
	origin_release(&shown->origin);
}

#define cleanup_shown __attribute__((cleanup(shown_release)))

static int find_current(struct session *session, const struct target *target, struct shown_version *shown,
			struct error *err)
{
	cleanup_free char *stands_on = NULL;
	int found = history_stands_on_shown(session, target, &stands_on, err);

	shown->line.current = found > 0 && strcmp(stands_on, shown->row.runtime_name) == 0;
	return found < 0 ? -1 : 0;
}

static int find_snapshot(struct session *session, struct shown_version *shown, struct error *err)
{
	cleanup_free char *operation = NULL;
	int found = history_operation_of(session, &shown->row, &operation, err);

	if (found < 0)
		return -1;
	shown->line.present = found > 0;
	shown->operation_id = steal_pointer(operation);
	return shown->line.present ? history_size_of(session, &shown->row, &shown->size, err) : 0;
}

static const struct shown_version *shown_of(const void *row)
{
	return row;
}

static void add(struct text *cell, const char *value)
{
	if (value)
		text_add(cell, value);
}

static void show_container(const void *row, struct text *cell)
{
	text_add(cell, shown_of(row)->container_id);
}

static void write_container(const void *row, struct json_writer *writer)
{
	writer_text(writer, "container_id", shown_of(row)->container_id);
}

static void show_number(const void *row, struct text *cell)
{
	version_show_number(row, cell);
	if (shown_of(row)->line.current)
		text_add(cell, " (the workspace stands on it)");
}

/* A version that is not here may be on the host where it was taken. */
static void show_snapshot(const void *row, struct text *cell)
{
	const char *host = shown_of(row)->origin.host;

	text_add(cell, shown_of(row)->row.runtime_name);
	if (!shown_of(row)->line.present)
		text_printf(cell, " (missing in containerd%s%s)", host ? "; it was taken on the host " : "",
			    host ? host : "");
}

static void show_snapshotter(const void *row, struct text *cell)
{
	add(cell, shown_of(row)->row.snapshotter);
}

static void write_snapshotter(const void *row, struct json_writer *writer)
{
	writer_text(writer, "snapshotter", shown_of(row)->row.snapshotter);
}

static void show_parent(const void *row, struct text *cell)
{
	add(cell, shown_of(row)->row.parent);
}

static void write_parent(const void *row, struct json_writer *writer)
{
	writer_text(writer, "parent", shown_of(row)->row.parent);
}

static void show_operation(const void *row, struct text *cell)
{
	add(cell, shown_of(row)->operation_id);
}

static void write_operation(const void *row, struct json_writer *writer)
{
	writer_text(writer, "operation_id", shown_of(row)->operation_id);
}

/* In the order of the lines. */
static const struct column fields[] = {
	{ "container", { "container:", 0, false }, true, show_container, write_container },
	{ "version", { "version:", 0, false }, true, show_number, version_write_number },
	{ .name = "current", .write = version_write_current },
	{ "name", { "name:", 0, false }, true, version_show_name, version_write_snapshot_name },
	VERSION_DISPLAY_NAME,
	{ "id", { "id:", 0, false }, true, version_show_id, version_write_id },
	{ "source", { "source:", 0, false }, true, version_show_source, version_write_source },
	{ "created", { "created:", 0, false }, true, version_show_created, version_write_created },
	{ "snapshot", { "snapshot:", 0, false }, true, show_snapshot, version_write_runtime_name },
	{ .name = "present", .write = version_write_present },
	{ "snapshotter", { "snapshotter:", 0, false }, true, show_snapshotter, write_snapshotter },
	{ "parent", { "parent:", 0, false }, true, show_parent, write_parent },
	{ "size", { "size:", 0, false }, true, version_show_size, version_write_bytes },
	{ "inodes", { "inodes:", 0, false }, true, version_show_inodes, version_write_inodes },
	{ "operation", { "operation:", 0, false }, true, show_operation, write_operation },
	{ "by", { "by:", 0, false }, true, version_show_by, version_write_by },
	{ "host", { "host:", 0, false }, true, version_show_host, version_write_host },
	{ "note", { "note:", 0, false }, true, version_show_note, version_write_note },
	{ .name = NULL },
};

static int print(struct output *out, struct shown_version *shown, struct error *err)
{
	struct json_writer writer = { .stream = out->stream };

	shown->line.row = &shown->row;
	shown->line.size = &shown->size;
	shown->line.origin = &shown->origin;
	if (!out->json)
		return columns_print(fields, shown, out, err);
	columns_write(fields, shown, &writer);
	return writer.failed ? error_memory(err) : 0;
}

/* One of another tool's, or of a wsnap that did not keep it yet. */
static int has_no_spec(const char *container_id, const struct store_version *row, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "nothing is kept of what made the container of version %d of '%s'",
		  row->version, container_id);
	return error_hint(err, "versions that are saved from now on have it");
}

/* A line of JSON, in which cJSON indents by tabs and sets values off by them. */
static void print_json_line(struct output *out, char *line)
{
	size_t depth = strspn(line, "\t");

	for (char *tab = strchr(line + depth, '\t'); tab; tab = strchr(tab, '\t'))
		*tab = ' ';
	output_line(out, "%*s%s", (int)depth * 2, "", line + depth);
}

static int print_spec(const struct invocation *invocation, const char *container_id, const struct store_version *row,
		      struct error *err)
{
	cleanup_free char *kept = NULL, *lines = NULL;
	cleanup_json cJSON *json = NULL;
	size_t length = 0;
	int found = blueprint_read(invocation->session, row->snapshotter, row->runtime_name, &kept, &length, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return has_no_spec(container_id, row, err);
	json = json_parse_exact(kept, length, "what is kept of the container", err);
	lines = json ? json_print_lines(json, err) : NULL;
	if (!lines)
		return -1;
	for (char *rest = NULL, *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		print_json_line(invocation->out, line);
	return 0;
}

static int show_run(const struct invocation *invocation, struct error *err)
{
	const struct show_options *options = invocation->options;
	struct session *session = invocation->session;
	struct output *out = invocation->out;
	cleanup_target struct target target = { 0 };
	cleanup_shown struct shown_version shown = { 0 };

	if (bring_back_and_find(session, invocation->targets, false, &target, err) < 0)
		return -1;
	if (settled_version_find(session, invocation->targets, invocation->versions, &target, &shown.row, err) < 0)
		return -1;
	if (options->spec)
		return print_spec(invocation, target.container_id, &shown.row, err);
	if (find_current(session, &target, &shown, err) < 0 || find_snapshot(session, &shown, err) < 0 ||
	    history_origin_of(session, target.container_id, shown.row.version, &shown.origin, err) < 0)
		return -1;
	shown.container_id = target.container_id;
	if (out->json || !out->quiet)
		return print(out, &shown, err);
	output_line(out, "%d", shown.row.version);
	return 0;
}

const struct command command_show = {
	.name = "show",
	.arguments = "TARGET VERSION",
	.summary = "one version: id, runtime name, parent, source, created, size",
	.description = "Shows one version, by number or by name (the newest of that name). The size is what its\n"
		       "snapshot alone holds. Who took it, on which host and what for is shown where that is known.\n"
		       "With --spec what made the container when it was saved is printed as JSON: image, labels,\n"
		       "runtime with its options, extensions, and the OCI spec.\n"
		       "With --quiet the version's number is printed.\n",
	.options = show_options,
	.options_size = sizeof(struct show_options),
	.run = show_run,
};
