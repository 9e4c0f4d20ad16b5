#include "command/commands.h"
#include "command/prune_report.h"
#include "prune/prune.h"

static int delete_run(const struct invocation *invocation, struct error *err)
{
	const struct prune_request request = {
		.versions = invocation->arguments + 1,
		.version_count = invocation->argument_count - 1,
	};
	struct prune_report report = { .out = invocation->out, .writer = { .stream = invocation->out->stream } };
	cleanup_prune_result struct prune_result result = { 0 };
	int done = prune_run(invocation->session, invocation->arguments[0], &request, &result, err);

	if (done == 0 || result.removed_count)
		prune_report_add(&report, &result, NULL);
	return done;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "TARGET VERSION...",
	.summary = "give single versions up",
	.description =
		"Gives up the named versions, by number or by name (the newest of that name). If one of them cannot\n"
		"go, none goes: the newest version and the one that the workspace stands on stay. A version\n"
		"whose snapshot this containerd lacks (it may be another host's) goes by its number alone.\n"
		"With --quiet nothing is printed.\n",
	.run = delete_run,
};
