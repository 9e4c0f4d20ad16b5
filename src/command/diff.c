#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "command/commands.h"
#include "command/diff_print.h"
#include "command/diff_print_spec.h"
#include "command/patch.h"
#include "command/paths.h"
#include "compare/compare.h"
#include "compare/spec.h"
#include "operation/settled_version.h"
#include "recover/bring_back.h"
#include "workspace/history.h"
#include "workspace/signals.h"

static const struct option_spec diff_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "stat",
	  .offset = offsetof(struct diff_options, stat),
	  .help = "how many bytes each file had and has, and how many in all" },
	{ .type = OPTION_FLAG,
	  .letter = 'p',
	  .name = "patch",
	  .offset = offsetof(struct diff_options, patch),
	  .help = "text differences as well, by diff(1)" },
	{ .type = OPTION_FLAG,
	  .letter = 'z',
	  .name = "null",
	  .offset = offsetof(struct diff_options, null),
	  .help = "paths byte by byte, a NUL behind each" },
	{ .type = OPTION_FLAG,
	  .name = "exit-code",
	  .offset = offsetof(struct diff_options, exit_code),
	  .help = "end with status 1 where something differs" },
	{ .type = OPTION_FLAG,
	  .name = "spec",
	  .offset = offsetof(struct diff_options, spec),
	  .help = "what makes the container in place of its files: image, labels, runtime, OCI spec" },
	{ .type = OPTION_END },
};

/* It is not of files. */
static int check_spec(const struct invocation *invocation, struct error *err)
{
	const struct diff_options *options = invocation->options;

	if (!options->spec)
		return 0;
	if (options->patch || options->stat || options->null)
		return error_set(err, ERROR_USAGE, "'--spec' cannot be given with --%s",
				 options->patch  ? "patch"
				 : options->stat ? "stat"
						 : "null");
	if (invocation->behind_count)
		return error_set(err, ERROR_USAGE, "'--spec' cannot be given with a PATH, '%.100s'",
				 invocation->behind[0]);
	return 0;
}

static int diff_check(const struct invocation *invocation, struct error *err)
{
	const struct diff_options *options = invocation->options;
	cleanup_paths struct paths paths = { 0 };
	bool json = invocation->out->json && invocation->settings->format_given;

	if (check_spec(invocation, err) < 0)
		return -1;
	if (options->patch && (options->stat || options->null || json))
		return error_set(err, ERROR_USAGE, "'--patch' cannot be given with --%s",
				 options->stat   ? "stat"
				 : options->null ? "null"
						 : "json");
	if (options->null && (options->stat || json))
		return error_set(err, ERROR_USAGE, "'--null' cannot be given with --%s",
				 options->stat ? "stat" : "json");
	if (options->patch || options->null)
		invocation->out->json = false;
	return paths_read(invocation->behind, invocation->behind_count, &paths, err);
}

struct diff {
	const struct invocation *invocation;
	struct target target;
	struct store_version before, now;
	struct comparison comparison;
};

static void diff_release(struct diff *diff)
{
	comparison_release(&diff->comparison);
	store_version_release(&diff->now);
	store_version_release(&diff->before);
	target_release(&diff->target);
}

#define cleanup_diff __attribute__((cleanup(diff_release)))

static int find_version(struct diff *diff, const struct version_word *word, struct store_version *row,
			struct error *err)
{
	const struct invocation *invocation = diff->invocation;

	return settled_version_find(invocation->session, invocation->targets, word, &diff->target, row, err);
}

/* Without A, it is the version that the workspace stands on. */
static int find_versions(struct diff *diff, struct error *err)
{
	const struct invocation *invocation = diff->invocation;
	static const struct version_word stands_on = { .text = "@", .kind = VERSION_WORD_BACK };
	const struct version_word *given = invocation->versions;

	if (find_version(diff, invocation->version_count ? &given[0] : &stands_on, &diff->before, err) < 0)
		return -1;
	return invocation->version_count > 1 ? find_version(diff, &given[1], &diff->now, err) : 0;
}

static struct diff_header header_of(const struct diff *diff)
{
	return (struct diff_header){
		.container_id = diff->target.container_id,
		.from = diff->before.version,
		.to = diff->now.version,
	};
}

static int print_patches(struct diff *diff, const struct signals *signals, struct error *err)
{
	struct output *out = diff->invocation->out;

	for (size_t i = 0; i < diff->comparison.count && !ferror(out->stream); i++)
		if (diff_print_line(out, &diff->comparison.items[i], err) < 0 ||
		    patch_write(out, &diff->comparison.items[i], signals, err) < 0)
			return -1;
	return 0;
}

/* Who reads may close the pipe: nothing is held in containerd when that ends us. */
static int print(struct diff *diff, struct error *err)
{
	const struct invocation *invocation = diff->invocation;
	const struct diff_header header = header_of(diff);
	struct signals signals;
	int printed;

	if (!((const struct diff_options *)invocation->options)->patch || invocation->out->quiet) {
		comparison_let_go(&diff->comparison);
		return diff_print(invocation, &header, &diff->comparison, err);
	}
	signals_hold_pipe(&signals);
	printed = print_patches(diff, &signals, err);
	comparison_let_go(&diff->comparison);
	signals_deliver(&signals);
	return printed;
}

/* How many changes there are; -1 error. */
static ssize_t diff_files(struct diff *diff, struct error *err)
{
	cleanup_paths struct paths paths = { 0 };
	struct compare_request request = {
		.target = &diff->target,
		.before = &diff->before,
		.now = diff->now.version ? &diff->now : NULL,
	};

	if (paths_read(diff->invocation->behind, diff->invocation->behind_count, &paths, err) < 0)
		return -1;
	request.paths = (const char *const *)paths.items;
	request.path_count = paths.count;
	if (compare_run(&diff->comparison, &request, err) < 0 || print(diff, err) < 0)
		return -1;
	return (ssize_t)diff->comparison.count;
}

static ssize_t diff_spec(struct diff *diff, struct error *err)
{
	cleanup_spec_changes struct spec_changes changes = { 0 };
	const struct diff_header header = header_of(diff);

	if (spec_compare_versions(diff->invocation->session, &diff->target, &diff->before,
				  diff->now.version ? &diff->now : NULL, &changes, err) < 0 ||
	    diff_print_spec(diff->invocation, &header, &changes, err) < 0)
		return -1;
	return (ssize_t)changes.count;
}

static int diff_run(const struct invocation *invocation, struct error *err)
{
	const struct diff_options *options = invocation->options;
	cleanup_diff struct diff diff = { .invocation = invocation, .comparison = { .session = invocation->session } };
	ssize_t count;

	if (bring_back_and_find(invocation->session, invocation->targets, false, &diff.target, err) < 0 ||
	    find_versions(&diff, err) < 0)
		return -1;
	count = options->spec ? diff_spec(&diff, err) : diff_files(&diff, err);
	if (options->exit_code && count > 0)
		invocation->out->exit_status = 1;
	return count < 0 ? -1 : 0;
}

const struct command command_diff = {
	.name = "diff",
	.arguments = "TARGET [VERSION [VERSION]]",
	.behind = "[-- PATH...]",
	.summary = "what differs between two versions, or a version and the present",
	.description =
		"Tells what differs between the first version (without one: that which the workspace stands on) and\n"
		"the second (without one: the present), a line for each path: A where it was added, M where it is\n"
		"another, D where it is gone. Kind, owner, mode, times of files, attributes and content count; the\n"
		"times of folders alone do not. The workspace goes on running: what vanishes while it is looked at\n"
		"is passed over. With PATHs, only these and what lies below them.\n"
		"With --spec what makes the container is compared, as it is kept with versions: a line for each\n"
		"value that is another, its place as a JSON pointer, and what it was and is.\n"
		"With --quiet the paths alone are printed.\n",
	.options = diff_options,
	.options_size = sizeof(struct diff_options),
	.check = diff_check,
	.run = diff_run,
};
