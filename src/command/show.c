#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "command/commands.h"
#include "command/describe.h"
#include "recover/bring_back.h"
#include "workspace/blueprint.h"
#include "workspace/history.h"
#include "workspace/names.h"

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

/* What `show` tells of a version beside its row. */
struct shown_version {
	struct store_version row;
	struct snapshot_size size;
	bool current;
	bool present;
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

	shown->current = found > 0 && strcmp(stands_on, shown->row.runtime_name) == 0;
	return found < 0 ? -1 : 0;
}

static int find_snapshot(struct session *session, struct shown_version *shown, struct error *err)
{
	cleanup_free char *operation = NULL;
	int found = history_operation_of(session, &shown->row, &operation, err);

	if (found < 0)
		return -1;
	shown->present = found > 0;
	shown->operation_id = steal_pointer(operation);
	return shown->present ? history_size_of(session, &shown->row, &shown->size, err) : 0;
}

static void print_json(struct output *out, const char *container_id, const struct shown_version *shown)
{
	struct json_writer writer = { .stream = out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", container_id);
	describe_version(&writer, &shown->row);
	writer_text(&writer, "snapshotter", shown->row.snapshotter);
	writer_text(&writer, "parent", shown->row.parent);
	writer_bool(&writer, "current", shown->current);
	writer_bool(&writer, "present", shown->present);
	describe_size(&writer, &shown->size);
	writer_text(&writer, "operation_id", shown->operation_id);
	describe_origin(&writer, &shown->origin);
	writer_close(&writer);
}

static void print_field(struct output *out, const char *name, const char *value)
{
	if (value)
		output_line(out, "%-12s %s", name, value);
}

/* A version that is not here may be on the host where it was taken. */
static void print_snapshot(struct output *out, const struct shown_version *shown)
{
	const char *host = shown->origin.host;

	if (shown->present)
		print_field(out, "snapshot:", shown->row.runtime_name);
	else
		output_line(out, "%-12s %s (missing in containerd%s%s)", "snapshot:", shown->row.runtime_name,
			    host ? "; it was taken on the host " : "", host ? host : "");
}

static int print_lines(struct output *out, const char *container_id, const struct shown_version *shown,
		       struct error *err)
{
	cleanup_free char *name = name_shown(shown->row.display_name, shown->row.version);
	char created[DESCRIBE_TIME_SIZE], bytes[OUTPUT_SIZE_SIZE];

	if (!name)
		return error_memory(err);
	describe_time(shown->row.created_ns, created);
	output_format_size(shown->size.bytes, bytes);
	print_field(out, "container:", container_id);
	output_line(out, "%-12s %d%s", "version:", shown->row.version,
		    shown->current ? " (the workspace stands on it)" : "");
	print_field(out, "name:", name);
	print_field(out, "id:", shown->row.id);
	print_field(out, "source:", shown->row.source);
	print_field(out, "created:", created);
	print_snapshot(out, shown);
	print_field(out, "snapshotter:", shown->row.snapshotter);
	print_field(out, "parent:", shown->row.parent);
	if (shown->size.known) {
		print_field(out, "size:", bytes);
		output_line(out, "%-12s %lld", "inodes:", (long long)shown->size.inodes);
	}
	print_field(out, "operation:", shown->operation_id);
	print_field(out, "by:", shown->origin.by);
	print_field(out, "host:", shown->origin.host);
	print_field(out, "note:", shown->origin.note);
	return 0;
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
	if (history_find(session, target.container_id, invocation->versions, &shown.row, err) < 0)
		return -1;
	if (options->spec)
		return print_spec(invocation, target.container_id, &shown.row, err);
	if (find_current(session, &target, &shown, err) < 0 || find_snapshot(session, &shown, err) < 0 ||
	    history_origin_of(session, target.container_id, shown.row.version, &shown.origin, err) < 0)
		return -1;
	if (out->json)
		print_json(out, target.container_id, &shown);
	else if (out->quiet)
		output_line(out, "%d", shown.row.version);
	else
		return print_lines(out, target.container_id, &shown, err);
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
