#include <string.h>

#include "base/log.h"
#include "command/commands.h"
#include "command/freeze.h"
#include "guard/guard.h"

struct guard_options {
	struct freeze_options freeze;
	bool if_changed;
	enum guard_way on_failure;
};

static int set_way(const char *text, void *field, struct error *err)
{
	enum guard_way *way = field;

	if (strcmp(text, "rollback") == 0)
		*way = GUARD_ROLLBACK;
	else if (strcmp(text, "restore") == 0)
		*way = GUARD_RESTORE;
	else if (strcmp(text, "nothing") == 0)
		*way = GUARD_NOTHING;
	else
		return error_set(err, ERROR_USAGE, "neither rollback, restore nor nothing");
	return 0;
}

static const struct option_spec guard_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "if-changed",
	  .offset = offsetof(struct guard_options, if_changed),
	  .help = "take no version when nothing was written: the last one is the way back" },
	FREEZE_OPTIONS(guard_options),
	{ .type = OPTION_OTHER,
	  .name = "on-failure",
	  .argument = "rollback|restore|nothing",
	  .set = set_way,
	  .offset = offsetof(struct guard_options, on_failure),
	  .otherwise = "nothing",
	  .help = "what to do with the workspace when the command fails" },
	{ .type = OPTION_END },
};

static int guard_check(const struct invocation *invocation, struct error *err)
{
	const struct guard_options *options = invocation->options;

	return freeze_check(&options->freeze, err);
}

static void tell(const struct output *out, const struct guard_request *request, const struct guard_result *result,
		 const struct error *not_run)
{
	if (not_run->kind != ERROR_NONE)
		output_error(stderr, out->json, not_run, result->status);
	if (!result->was_back)
		return;
	if (result->saved)
		log_warning(
			"the command ended with status %d: '%s' is back at version %d; what it was before is version %d",
			result->status, request->version.target->text, result->version, result->saved);
	else
		log_warning("the command ended with status %d: '%s' is back at version %d; there was nothing to save",
			    result->status, request->version.target->text, result->version);
}

static int guard_run_command(const struct invocation *invocation, struct error *err)
{
	const struct guard_options *options = invocation->options;
	const struct guard_request request = {
		.version = { .kind = OPERATION_VERSION,
			     .target = invocation->targets,
			     .if_changed = options->if_changed,
			     .mode = freeze_mode(&options->freeze),
			     .max_freeze_ms = options->freeze.max_ms },
		.command = invocation->behind,
		.on_failure = options->on_failure,
	};
	struct guard_result result = { 0 };
	struct error not_run = { 0 };

	if (guard_run(invocation->session, &request, &result, &not_run, err) < 0)
		return -1;
	tell(invocation->out, &request, &result, &not_run);
	invocation->out->exit_status = result.status;
	return 0;
}

const struct command command_guard = {
	.name = "guard",
	.arguments = "TARGET",
	.behind = "-- COMMAND...",
	.summary = "a version, then a command; its exit status is ours",
	.description =
		"Takes a version of the workspace, as 'version' does, and then runs the command on this host, with its\n"
		"own streams, terminal and signals. WSNAP_VERSION in its environment is the version's number. The exit\n"
		"status is the command's, 126 where it cannot be run, 127 where it cannot be found, 128 and the number\n"
		"of the signal that ended it; 125 where the version could not be taken (then the command is not run),\n"
		"or the workspace not be brought back. While it runs the version is kept, and the workspace is free.\n"
		"Nothing is printed on standard output but by the command.\n",
	.options = guard_options,
	.options_size = sizeof(struct guard_options),
	.needs = COMMAND_NEEDS_CONTAINERD,
	.failure_status = GUARD_STATUS_FAILED,
	.check = guard_check,
	.run = guard_run_command,
};
