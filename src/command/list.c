#include "command/list.h"

#include "command/commands.h"
#include "recover/bring_back.h"

static const struct option_spec list_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "snapshots",
	  .offset = offsetof(struct list_options, snapshots),
	  .help = "the snapshots in containerd, from the active one to the image" },
	{ .type = OPTION_FLAG,
	  .name = "sizes",
	  .offset = offsetof(struct list_options, sizes),
	  .help = "what each version alone holds, in bytes and inodes" },
	{ .type = OPTION_TEXT,
	  .letter = 'C',
	  .name = "columns",
	  .argument = "NAMES",
	  .offset = offsetof(struct list_options, columns),
	  .check = option_check_not_empty,
	  .help = "which columns, with commas between" },
	{ .type = OPTION_FLAG,
	  .name = "no-header",
	  .offset = offsetof(struct list_options, no_header),
	  .help = "no line with headings" },
	{ .type = OPTION_END },
};

static int list_check(const struct invocation *invocation, struct error *err)
{
	const struct list_options *options = invocation->options;

	if (invocation->target_count == 0 && (options->snapshots || options->sizes)) {
		error_set(err, ERROR_USAGE, "'--%s' needs a TARGET", options->snapshots ? "snapshots" : "sizes");
		return error_hint(err, "'wsnap list' without options shows the workspaces");
	}
	if (options->snapshots && options->sizes)
		return error_set(err, ERROR_USAGE, "'--sizes' cannot be given with --snapshots");
	if (!options->columns)
		return 0;
	if (invocation->target_count == 0)
		return list_workspaces_check(options->columns, err);
	return options->snapshots ? list_snapshots_check(options->columns, err)
				  : list_versions_check(options->columns, err);
}

static int list_run(const struct invocation *invocation, struct error *err)
{
	const struct list_options *options = invocation->options;
	cleanup_target struct target target = { 0 };

	if (invocation->target_count == 0)
		return list_workspaces(invocation, err);
	if (bring_back_and_find(invocation->session, invocation->targets, options->snapshots, &target, err) < 0)
		return -1;
	if (options->snapshots)
		return list_snapshots(invocation, &target, err);
	return list_versions(invocation, &target, err);
}

const struct command command_list = {
	.name = "list",
	.arguments = "[TARGET]",
	.summary = "versions, oldest first; without TARGET, every workspace on this host",
	.description = "Lists the versions of a workspace, oldest first; '*' marks the one that it stands on. Without\n"
		       "TARGET, lists the workspaces whose containers are on this host.\n"
		       "Lines fit the width of a terminal; elsewhere they are never cut.\n"
		       "With --quiet the numbers are printed (of snapshots the names, of workspaces the ids).\n",
	.options = list_options,
	.options_size = sizeof(struct list_options),
	.check = list_check,
	.run = list_run,
};
