#include "command/commands.h"
#include "command/freeze.h"
#include "command/report.h"
#include "command/several.h"
#include "workspace/names.h"

struct create_options {
	struct several several;
	struct freeze_options freeze;
	bool if_changed;
	char *source;
};

static const struct option_spec create_options[] = {
	{ .type = OPTION_TEXT,
	  .letter = 's',
	  .name = "source",
	  .argument = "SOURCE",
	  .offset = offsetof(struct create_options, source),
	  .otherwise = SOURCE_MANUAL,
	  .help = "why the version exists: 1 to 32 of a-z, 0-9, '_' and '-'" },
	{ .type = OPTION_FLAG,
	  .name = "if-changed",
	  .offset = offsetof(struct create_options, if_changed),
	  .help = "save nothing when nothing was written" },
	FREEZE_OPTIONS(create_options),
	SEVERAL_OPTIONS(create_options),
	{ .type = OPTION_END },
};

static struct operation_request make_request(const struct invocation *invocation)
{
	const struct create_options *options = invocation->options;

	return (struct operation_request){
		.kind = OPERATION_CREATE,
		.target = invocation->targets,
		.display_name = invocation->name,
		.source = options->source ? options->source : "",
		.if_changed = options->if_changed,
		.mode = freeze_mode(&options->freeze),
		.max_freeze_ms = options->freeze.max_ms,
	};
}

static int create_check(const struct invocation *invocation, struct error *err)
{
	const struct create_options *options = invocation->options;
	const char *name = invocation->arguments[1];

	if (freeze_check(&options->freeze, err) < 0 ||
	    name_check_source(options->source ? options->source : "", err) < 0)
		return -1;
	return name && !*name ? name_refuse_empty(err) : 0;
}

static void print_json(const struct invocation *invocation, const struct operation_result *result)
{
	struct json_writer writer = { .stream = invocation->out->stream };

	writer_object(&writer, NULL);
	writer_text(&writer, "container_id", result->container_id);
	report_version(&writer, result);
	writer_bool(&writer, "unchanged", result->unchanged);
	report_operation(&writer, result);
	writer_close(&writer);
}

static int create_run(const struct invocation *invocation, struct error *err)
{
	struct operation_request request = make_request(invocation);

	return report_run(invocation, &request, print_json, report_saved, err);
}

const struct command command_create = {
	.name = "create",
	.arguments = "TARGET [NAME]",
	.summary = "save the workspace as a new version, with a name",
	.description = "Stops the workspace, saves its writable layer as a new version, and starts it again on\n"
		       "top of it. With --live it goes on running, and stands still for some milliseconds: the\n"
		       "version is what a power cut at that moment would have left. What is in mounts is not part\n"
		       "of a version.\n"
		       "With --quiet the version's number is printed.\n",
	.options = create_options,
	.options_size = sizeof(struct create_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.takes_several = true,
	.several_offset = offsetof(struct create_options, several),
	.check = create_check,
	.run = create_run,
};
