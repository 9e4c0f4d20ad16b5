#include <string.h>

#include "command/commands.h"
#include "command/diff_print.h"
#include "command/freeze.h"
#include "command/paths.h"
#include "command/report.h"
#include "output/meter_line.h"
#include "recover/bring_back.h"
#include "restore/restore.h"

struct restore_options {
	bool no_save;
	bool dry_run;
	char *folder;
	unsigned max_freeze_ms;
};

static const struct option_spec restore_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "no-save",
	  .offset = offsetof(struct restore_options, no_save),
	  .help = "do not save what the workspace is now" },
	{ .type = OPTION_FLAG,
	  .name = "dry-run",
	  .offset = offsetof(struct restore_options, dry_run),
	  .help = "only say what would change, as 'diff' does" },
	{ .type = OPTION_TEXT,
	  .name = "target",
	  .argument = "DIR",
	  .offset = offsetof(struct restore_options, folder),
	  .check = option_check_not_empty,
	  .help = "into this folder of the host; the workspace is not touched" },
	{ .type = OPTION_NUMBER,
	  .name = "max-freeze",
	  .argument = "MS",
	  .otherwise = "1000",
	  .minimum = 1,
	  .maximum = FREEZE_MOST_MS,
	  .offset = offsetof(struct restore_options, max_freeze_ms),
	  .help = "how long the workspace may stand still before the first change" },
	{ .type = OPTION_END },
};

static int restore_check(const struct invocation *invocation, struct error *err)
{
	cleanup_paths struct paths paths = { 0 };

	return paths_read(invocation->arguments + 2, invocation->argument_count - 2, &paths, err);
}

static void print_json(const struct invocation *invocation, const struct restore_result *result)
{
	const struct operation_result *operation = &result->operation;
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->target.container_id);
	writer_integer(&writer, "restored_from", result->version.version);
	if (result->saved_version)
		writer_integer(&writer, "saved_version", result->saved_version);
	else
		writer_null(&writer, "saved_version");
	writer_array(&writer, "changes");
	for (size_t i = 0; i < result->changes.count; i++)
		diff_print_item(&writer, &result->changes.items[i]);
	writer_close(&writer);
	if (!operation->live)
		writer_ms(&writer, "frozen_ms", 0);
	if (operation->operation_id[0])
		report_operation(&writer, operation);
	if (result->folder)
		writer_text(&writer, "target", result->folder);
	writer_close(&writer);
}

static int print_changes(const struct invocation *invocation, const struct restore_result *result, struct error *err)
{
	for (size_t i = 0; i < result->changes.count; i++)
		if (diff_print_line(invocation->out, &result->changes.items[i], err) < 0)
			return -1;
	return 0;
}

static void print_line(const struct invocation *invocation, const struct restore_result *result)
{
	const struct restore_options *options = invocation->options;
	const char *id = result->target.container_id;
	struct output *out = invocation->out;
	int32_t version = result->version.version;
	size_t count = result->changes.count;
	char frozen[REPORT_DOWNTIME_SIZE];

	report_format_downtime(&result->operation, frozen);
	if (out->quiet)
		output_line(out, "%d", version);
	else if (result->folder && count == 0)
		output_line(out, "'%s' has all of it just as version %d of '%s' has it", result->folder, version, id);
	else if (result->folder)
		output_line(out, "%zu entries of version %d of '%s' are in '%s'", count, version, id, result->folder);
	else if (count == 0)
		output_line(out, "'%s' is as version %d has it; there was nothing to do", id, version);
	else if (result->saved_version)
		output_line(out, "'%s' has %zu entries of version %d again; what it was before is version %d%s", id,
			    count, version, result->saved_version, frozen);
	else
		output_line(out, "'%s' has %zu entries of version %d again; %s%s", id, count, version,
			    options->no_save ? "what it was before was not saved" : "there was nothing to save",
			    frozen);
}

/* A hint of the freeze names --stop, an option of those who take versions. */
static int name_way(const struct invocation *invocation, struct error *err)
{
	if (!strstr(err->hint, "--stop"))
		return -1;
	return error_hint(err, "'wsnap rollback %s VERSION' brings a version back with a stop",
			  invocation->targets->text);
}

static int restore_run_command(const struct invocation *invocation, struct error *err)
{
	const struct restore_options *options = invocation->options;
	cleanup_restore_result struct restore_result result = { 0 };
	cleanup_paths struct paths paths = { 0 };
	struct meter_line line;
	int done;

	if (invocation->store_error) {
		bring_back(invocation->session, invocation->targets);
		*err = *invocation->store_error;
		return -1;
	}
	if (paths_read(invocation->arguments + 2, invocation->argument_count - 2, &paths, err) < 0)
		return -1;

	const struct restore_request request = {
		.target = invocation->targets,
		.version = invocation->versions,
		.paths = (const char *const *)paths.items,
		.path_count = paths.count,
		.no_save = options->no_save,
		.dry_run = options->dry_run,
		.max_freeze_ms = options->max_freeze_ms,
		.folder = options->folder,
	};

	meter_line_begin(&line, !invocation->out->quiet && !invocation->settings->verbose);
	done = restore_run(invocation->session, &request, &result, err);
	meter_line_end(&line);
	if (done < 0)
		return name_way(invocation, err);
	/* Of all files it is also noted what the workspace then stands on. */
	invocation->out->changed |= !options->dry_run && (result.changes.count > 0 || paths.count == 0);
	if (invocation->out->json)
		print_json(invocation, &result);
	else if (options->dry_run)
		return print_changes(invocation, &result, err);
	else
		print_line(invocation, &result);
	return 0;
}

const struct command command_restore = {
	.name = "restore",
	.arguments = "TARGET VERSION [PATH...]",
	.summary = "bring files of a version back into the workspace, which goes on running",
	.description =
		"Makes the files of the workspace, or those in the PATHs alone, what they are in the version: what is\n"
		"not in it goes. The processes are the old ones, and stand still only for as long as the change takes;\n"
		"a file that one of them has open stays as it is for that one. A PATH is absolute in the workspace and\n"
		"means all that is in it. Mounts in the workspace are not touched. What the files are now is saved as a\n"
		"live version first. Without PATHs the workspace then stands on the version.\n"
		"With --quiet the number of the version is printed, or with --dry-run the paths alone.\n",
	.options = restore_options,
	.options_size = sizeof(struct restore_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.check = restore_check,
	.run = restore_run_command,
};
