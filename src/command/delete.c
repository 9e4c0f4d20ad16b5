#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command/commands.h"
#include "command/prune_report.h"
#include "fork/fork_finish.h"
#include "prune/prune.h"

struct delete_options {
	bool all;
	bool yes;
};

static const struct option_spec delete_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "all",
	  .offset = offsetof(struct delete_options, all),
	  .help = "give up the whole history of the TARGET, of which nothing else may be left" },
	{ .type = OPTION_FLAG,
	  .name = "yes",
	  .offset = offsetof(struct delete_options, yes),
	  .help = "with --all: do not ask" },
	{ .type = OPTION_END },
};

/* Without a terminal nobody can be asked, so --yes is needed. */
static int check_consent(const struct invocation *invocation, struct error *err)
{
	const struct delete_options *options = invocation->options;

	if (options->yes || (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)))
		return 0;
	error_set(err, ERROR_REFUSED, "'delete %s --all' gives up its whole history for good",
		  invocation->arguments[0]);
	return error_hint(err, "--yes insists");
}

static int delete_check(const struct invocation *invocation, struct error *err)
{
	const struct delete_options *options = invocation->options;
	bool versions = invocation->version_count > 0;

	if (options->all && versions)
		return error_set(err, ERROR_USAGE, "'--all' cannot be given with a VERSION, '%.100s'",
				 invocation->arguments[1]);
	if (options->yes && !options->all)
		return error_set(err, ERROR_USAGE, "'--yes' goes with '--all' alone");
	if (options->all)
		return check_consent(invocation, err);
	if (versions)
		return 0;
	error_set(err, ERROR_USAGE, "'delete' needs a VERSION");
	return error_hint(err, "usage: wsnap delete TARGET VERSION... | TARGET --all");
}

static int ask(const struct invocation *invocation, const struct prune_request *request, struct error *err)
{
	struct prune_request question = *request;
	cleanup_prune_result struct prune_result result = { 0 };
	char answer[16] = "";

	question.dry_run = true;
	if (prune_run(invocation->session, invocation->targets, &question, &result, err) < 0)
		return -1;
	fprintf(stderr, "give up the whole history of '%s', %zu versions, for good? [y/N] ", result.container_id,
		result.removed_count);
	fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) && (strcmp(answer, "y\n") == 0 || strcmp(answer, "yes\n") == 0))
		return 0;
	return error_set(err, ERROR_REFUSED, "'%s' keeps its history: nobody said yes", result.container_id);
}

static int delete_run(const struct invocation *invocation, struct error *err)
{
	const struct delete_options *options = invocation->options;
	const struct prune_request request = {
		.all = options->all,
		.versions = invocation->versions,
		.version_count = invocation->version_count,
	};
	struct prune_report report = { .out = invocation->out, .writer = { .stream = invocation->out->stream } };
	cleanup_prune_result struct prune_result result = { 0 };
	int done;

	if (options->all && !options->yes && ask(invocation, &request, err) < 0)
		return -1;
	done = prune_run(invocation->session, invocation->targets, &request, &result, err);
	if (done == 0 && options->all)
		fork_forget_files(invocation->session, result.container_id);
	if (done == 0 || result.removed_count)
		prune_report_add(&report, &result, NULL);
	return done;
}

const struct command command_delete = {
	.name = "delete",
	.arguments = "TARGET [VERSION...]",
	.summary = "give single versions up, or a whole history",
	.description =
		"Gives up the named versions, by number or by name (the newest of that name). If one of them cannot\n"
		"go, none goes: the newest version and the one that the workspace stands on stay. A version\n"
		"whose snapshot this containerd lacks (it may be another host's) goes by its number alone.\n"
		"With --all the whole history goes, also that of a container, a row or a bot that is gone; a\n"
		"container that is there runs on, and its next version goes on from the number where it was.\n"
		"That asks on a terminal and needs --yes without one.\n"
		"With --quiet nothing is printed.\n",
	.options = delete_options,
	.options_size = sizeof(struct delete_options),
	.check = delete_check,
	.run = delete_run,
};
