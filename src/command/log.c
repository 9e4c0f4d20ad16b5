#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "command/commands.h"
#include "command/log_history.h"
#include "command/log_print.h"
#include "compare/compare.h"
#include "recover/bring_back.h"

static const struct option_spec log_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "stat",
	  .offset = offsetof(struct log_options, stat),
	  .help = "how much each version changed" },
	{ .type = OPTION_END },
};

static int log_check(const struct invocation *invocation, struct error *err)
{
	cleanup_free char *path = NULL;

	if (!invocation->arguments[1])
		return 0;
	path = compare_path(invocation->arguments[1], err);
	return path ? 0 : -1;
}

static int log_run(const struct invocation *invocation, struct error *err)
{
	const struct log_options *options = invocation->options;
	cleanup_target struct target target = { 0 };
	cleanup_log_history struct log_history history = { .session = invocation->session };
	cleanup_free char *path = NULL;

	if (invocation->arguments[1]) {
		path = compare_path(invocation->arguments[1], err);
		if (!path)
			return -1;
	}
	if (bring_back_and_find(invocation->session, invocation->targets, false, &target, err) < 0 ||
	    log_history_read(&history, &target, err) < 0)
		return -1;
	if ((path || options->stat) && log_history_compare(&history, &target, path, err) < 0)
		return -1;
	return log_print(invocation, target.container_id, &history, err);
}

const struct command command_log = {
	.name = "log",
	.arguments = "TARGET [PATH]",
	.summary = "the history, newest first: what came from what; with PATH, where it changed",
	.description =
		"Shows the versions of a workspace, newest first, and what each came from: rollbacks make branches.\n"
		"On a terminal that is drawn beside them, and (@) stands at the version that the workspace stands on.\n"
		"With PATH only the versions in which it, or something below it, changed. Versions that were given\n"
		"up are passed over: what came from them shows at the nearest ancestor that is still there.\n"
		"With --quiet the numbers are printed.\n",
	.options = log_options,
	.options_size = sizeof(struct log_options),
	.check = log_check,
	.run = log_run,
};
