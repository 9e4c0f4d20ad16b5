#include "command/prune_report.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "workspace/names.h"

static void write_removed(struct json_writer *writer, const struct pruned_version *removed)
{
	cleanup_free char *shown = name_shown(removed->display_name, removed->version);

	if (!shown)
		writer->failed = true;
	writer_object(writer, NULL);
	writer_integer(writer, "version", removed->version);
	writer_text(writer, "snapshot_name", shown);
	writer_text(writer, "runtime_snapshot_name", removed->runtime_name);
	writer_text(writer, "display_name", removed->display_name);
	writer_integer(writer, "freed_bytes", removed->freed_bytes);
	writer_bool(writer, "held", removed->held);
	if (removed->held_by > 0)
		writer_integer(writer, "held_by", removed->held_by);
	else
		writer_null(writer, "held_by");
	writer_bool(writer, "missing", removed->missing);
	writer_text(writer, "left", removed->left);
	writer_close(writer);
}

static void write_json(struct json_writer *writer, const struct prune_result *result, bool dry_run,
		       const struct error *failure)
{
	writer_object(writer, NULL);
	writer_text(writer, "container_id", result->container_id);
	writer_array(writer, "kept");
	for (size_t i = 0; i < result->kept_count; i++)
		writer_integer(writer, NULL, result->kept[i]);
	writer_close(writer);
	writer_array(writer, "removed");
	for (size_t i = 0; i < result->removed_count; i++)
		write_removed(writer, &result->removed[i]);
	writer_close(writer);
	writer_integer(writer, "freed_bytes", result->freed_bytes);
	writer_bool(writer, "dry_run", dry_run);
	if (failure)
		output_json_error(writer, failure);
	writer_close(writer);
}

static void print_removed(struct output *out, const char *container_id, const struct pruned_version *removed,
			  bool dry_run)
{
	cleanup_free char *shown = name_shown(removed->display_name, removed->version);
	const char *goes = dry_run ? "would go" : "is gone";
	char size[OUTPUT_SIZE_SIZE];

	output_format_size(removed->freed_bytes, size);
	if (removed->missing)
		output_line(out, "'%s' version %d (%s) %s: it had no snapshot here", container_id, removed->version,
			    shown, goes);
	else if (removed->held && removed->held_by > 0)
		output_line(out, "'%s' version %d (%s) %s: its layer stays as long as version %d stands on it",
			    container_id, removed->version, shown, goes, removed->held_by);
	else if (removed->held)
		output_line(out, "'%s' version %d (%s) %s: its layer stays %s", container_id, removed->version, shown,
			    goes,
			    removed->held_by_workspace ? "until the workspace's next compaction"
						       : "as long as another container stands on it");
	else if (removed->left)
		output_line(out,
			    "'%s' version %d (%s) %s: %s; containerd could not remove what is left in '%s' (has it an "
			    "immutable file?)",
			    container_id, removed->version, shown, goes, size, removed->left);
	else
		output_line(out, "'%s' version %d (%s) %s: %s", container_id, removed->version, shown, goes, size);
}

static void print_lines(struct output *out, const struct prune_result *result, bool dry_run)
{
	char size[OUTPUT_SIZE_SIZE];

	for (size_t i = 0; i < result->removed_count; i++)
		print_removed(out, result->container_id, &result->removed[i], dry_run);
	output_format_size(result->freed_bytes, size);
	output_line(out,
		    dry_run ? "'%s': %zu versions would go, %zu would stay, %s would be free"
			    : "'%s': %zu versions went, %zu stay, %s is free again",
		    result->container_id, result->removed_count, result->kept_count, size);
}

void prune_report_begin(struct prune_report *report)
{
	if (!report->out->json)
		return;
	writer_object(&report->writer, NULL);
	writer_array(&report->writer, "workspaces");
}

void prune_report_add(struct prune_report *report, const struct prune_result *result, const struct error *failure)
{
	struct output *out = report->out;

	out->changed |= result->removed_count > 0 && !report->dry_run;
	if (out->json) {
		write_json(&report->writer, result, report->dry_run, failure);
		return;
	}
	if (!out->quiet && !failure)
		print_lines(out, result, report->dry_run);
}

void prune_report_end(struct prune_report *report)
{
	if (!report->out->json)
		return;
	writer_close(&report->writer);
	writer_close(&report->writer);
}
