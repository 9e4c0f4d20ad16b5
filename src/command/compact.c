#include "command/commands.h"
#include "command/report.h"
#include "command/several.h"

struct compact_options {
	struct several several;
	bool live;
};

static const struct option_spec compact_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "live",
	  .offset = offsetof(struct compact_options, live),
	  .help = "merge the layers of live versions, without a stop" },
	SEVERAL_OPTIONS(compact_options),
	{ .type = OPTION_END },
};

static void print_json(const struct invocation *invocation, const struct operation_result *result)
{
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	writer_integer(&writer, "layers_merged", result->layers_merged);
	if (!result->live)
		writer_integer(&writer, "copied_bytes", (int64_t)result->copied_bytes);
	report_operation(&writer, result);
	writer_close(&writer);
}

static void print_line(const struct invocation *invocation, const struct operation_result *result)
{
	struct output *out = invocation->out;
	char downtime[REPORT_DOWNTIME_SIZE], copied[OUTPUT_SIZE_SIZE];

	report_format_downtime(result, downtime);
	output_format_size((long long)result->copied_bytes, copied);
	if (out->quiet)
		output_line(out, "%d", result->layers_merged);
	else if (result->layers_merged)
		output_line(out, "%d layers of '%s' became one, %s copied%s", result->layers_merged,
			    result->container_id, copied, downtime);
	else
		output_line(out, "'%s' has no layers to merge", result->container_id);
}

static int compact_run(const struct invocation *invocation, struct error *err)
{
	const struct compact_options *options = invocation->options;
	const struct operation_request request = {
		.kind = OPERATION_COMPACT,
		.mode = options->live ? MODE_LIVE : MODE_STOP,
		.target = invocation->targets,
	};

	return report_run(invocation, &request, print_json, print_line, err);
}

const struct command command_compact = {
	.name = "compact",
	.arguments = "TARGET...",
	.summary = "merge the layers under the workspace into one",
	.description = "Merges the layers that versions have put under the workspace into one, and puts the\n"
		       "workspace on it. Versions stay as they are. An operation does this by itself when there\n"
		       "are more than max_depth layers.\n"
		       "With --quiet the number of merged layers is printed.\n",
	.options = compact_options,
	.options_size = sizeof(struct compact_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.takes_several = true,
	.several_offset = offsetof(struct compact_options, several),
	.run = compact_run,
};
