#include "command/commands.h"
#include "command/report.h"

struct rollback_options {
	bool no_save;
};

static const struct option_spec rollback_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "no-save",
	  .offset = offsetof(struct rollback_options, no_save),
	  .help = "throw away what was written since the last version" },
	{ .type = OPTION_END },
};

static void print_json(const struct invocation *invocation, const struct operation_result *result)
{
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	writer_integer(&writer, "rolled_back_to", result->rolled_back_to);
	if (result->version)
		writer_integer(&writer, "saved_version", result->version);
	else
		writer_null(&writer, "saved_version");
	report_operation(&writer, result);
	writer_close(&writer);
}

static void print_line(const struct invocation *invocation, const struct operation_result *result)
{
	const struct rollback_options *options = invocation->options;
	struct output *out = invocation->out;
	char downtime[REPORT_DOWNTIME_SIZE];

	report_format_downtime(result, downtime);
	if (out->quiet)
		output_line(out, "%d", result->rolled_back_to);
	else if (result->version)
		output_line(out, "'%s' is back at version %d; what it was before is version %d%s", result->container_id,
			    result->rolled_back_to, result->version, downtime);
	else
		output_line(out, "'%s' is back at version %d; %s%s", result->container_id, result->rolled_back_to,
			    options->no_save ? "what it was before was not saved" : "there was nothing to save",
			    downtime);
}

static int rollback_run(const struct invocation *invocation, struct error *err)
{
	const struct rollback_options *options = invocation->options;
	const struct operation_request request = {
		.kind = OPERATION_ROLLBACK,
		.target = invocation->targets,
		.version = invocation->versions,
		.no_save = options->no_save,
	};

	return report_run(invocation, &request, print_json, print_line, err);
}

const struct command command_rollback = {
	.name = "rollback",
	.arguments = "TARGET VERSION",
	.summary = "bring a version back",
	.description = "Puts the workspace on a version again, by number or by name (the newest of that name). What\n"
		       "it was before is saved as a version first, unless nothing was written since the last one;\n"
		       "newer versions stay and can be brought back as well.\n"
		       "With --quiet the number of the version that it now stands on is printed.\n",
	.options = rollback_options,
	.options_size = sizeof(struct rollback_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.run = rollback_run,
};
