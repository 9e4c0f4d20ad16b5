#include "command/commands.h"
#include "command/freeze.h"
#include "command/report.h"
#include "command/several.h"

struct version_options {
	struct several several;
	struct freeze_options freeze;
	bool if_changed;
};

static const struct option_spec version_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "if-changed",
	  .offset = offsetof(struct version_options, if_changed),
	  .help = "save nothing when nothing was written" },
	FREEZE_OPTIONS(version_options),
	SEVERAL_OPTIONS(version_options),
	{ .type = OPTION_END },
};

static void print_json(const struct invocation *invocation, const struct operation_result *result)
{
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "id", result->version_id);
	writer_text(&writer, "container_id", result->container_id);
	report_version(&writer, result);
	writer_bool(&writer, "unchanged", result->unchanged);
	report_operation(&writer, result);
	writer_close(&writer);
}

static int version_check(const struct invocation *invocation, struct error *err)
{
	const struct version_options *options = invocation->options;

	return freeze_check(&options->freeze, err);
}

static int version_run(const struct invocation *invocation, struct error *err)
{
	const struct version_options *options = invocation->options;
	const struct operation_request request = {
		.kind = OPERATION_VERSION,
		.target = invocation->targets,
		.if_changed = options->if_changed,
		.mode = freeze_mode(&options->freeze),
		.max_freeze_ms = options->freeze.max_ms,
	};

	return report_run(invocation, &request, print_json, report_saved, err);
}

const struct command command_version = {
	.name = "version",
	.arguments = "TARGET...",
	.summary = "save workspaces as new versions before something runs",
	.description = "As 'create' does, for a program that is about to run something in the workspace: the\n"
		       "version has no name, and its source is pre_exec.\n"
		       "With --quiet the version's number is printed.\n",
	.options = version_options,
	.options_size = sizeof(struct version_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.takes_several = true,
	.several_offset = offsetof(struct version_options, several),
	.check = version_check,
	.run = version_run,
};
