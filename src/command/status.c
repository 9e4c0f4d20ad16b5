#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/names_set.h"
#include "command/commands.h"
#include "command/several.h"
#include "command/status_output.h"
#include "workspace/version_word.h"

struct status_options {
	struct several several;
	char *max_age, *warn_age;
	bool prometheus;
	char *output;
};

/* A length of time is written as in @2h: what was the newest that long ago. */
static int parse_age(const char *text, struct version_word *age, struct error *err)
{
	cleanup_free char *word = text_format("@%s", text);

	if (!word)
		return error_memory(err);
	if (version_word_parse(word, age, err) == 0 && age->kind == VERSION_WORD_AGE)
		return 0;
	version_word_release(age);
	return error_set(err, ERROR_USAGE, "'%.64s' is no length of time, such as 36h, 2d or 1d12h", text);
}

static int check_age(const char *text, struct error *err)
{
	cleanup_version_word struct version_word age = { 0 };

	return *text ? parse_age(text, &age, err) : error_set(err, ERROR_USAGE, "it is no length of time");
}

static const struct option_spec status_options[] = {
	SEVERAL_OPTIONS(status_options),
	{ .type = OPTION_TEXT,
	  .name = STATUS_MAX_AGE,
	  .argument = "AGE",
	  .offset = offsetof(struct status_options, max_age),
	  .check = check_age,
	  .help = "be a check: status 2 where the newest version is older (36h, 2d, 1d12h)" },
	{ .type = OPTION_TEXT,
	  .name = "warn-age",
	  .argument = "AGE",
	  .offset = offsetof(struct status_options, warn_age),
	  .check = check_age,
	  .help = "with --max-age: status 1 where it is older than that" },
	{ .type = OPTION_FLAG,
	  .name = "prometheus",
	  .offset = offsetof(struct status_options, prometheus),
	  .help = "write the text format of Prometheus" },
	{ .type = OPTION_TEXT,
	  .letter = 'o',
	  .name = "output",
	  .argument = "FILE",
	  .offset = offsetof(struct status_options, output),
	  .check = option_check_not_empty,
	  .help = "write to FILE, whole or not at all, instead of standard output" },
	{ .type = OPTION_END },
};

static int status_check(const struct invocation *invocation, struct error *err)
{
	const struct status_options *options = invocation->options;

	if (options->warn_age && !options->max_age)
		return error_set(err, ERROR_USAGE, "'--warn-age' needs '--max-age'");
	if (options->prometheus && invocation->out->json && invocation->settings->format_given)
		return error_set(err, ERROR_USAGE, "'--prometheus' and '--json' do not go together");
	if (options->prometheus)
		invocation->out->json = false;
	return 0;
}

/* When the newest version must have been made at least; 0 where it is not asked for. */
static int limit_of(const char *text, int64_t now_ns, int64_t *limit_ns, struct error *err)
{
	cleanup_version_word struct version_word age = { 0 };

	*limit_ns = 0;
	if (!text)
		return 0;
	if (parse_age(text, &age, err) < 0)
		return -1;
	*limit_ns = version_word_time(&age, now_ns);
	return 0;
}

static int choose(const struct invocation *invocation, struct names_set *ids, struct error *err)
{
	const struct status_options *options = invocation->options;
	const struct selection selection = {
		.all = options->several.all || (invocation->target_count == 0 && options->several.filters.count == 0),
		.filters = options->several.filters,
		.words = invocation->targets,
		.word_count = invocation->target_count,
	};

	if (selection_make(invocation->session, &selection, ids, err) < 0)
		return -1;
	if (ids->count == 0 && (options->several.all || options->several.filters.count))
		several_tell_none(&options->several, invocation->settings->namespace);
	return 0;
}

static int write_all(const struct invocation *invocation, struct status_output *output, struct error *err)
{
	cleanup_names_set struct names_set ids = { 0 };

	if (choose(invocation, &ids, err) < 0 || status_output_begin(output, err) < 0)
		return -1;
	if (status_of(invocation->session, &ids, STATUS_SIZES, status_output_add, output, err) < 0)
		return -1;
	return status_output_end(output, err);
}

static int run(const struct invocation *invocation, struct error *err)
{
	const struct status_options *options = invocation->options;
	cleanup_status_output struct status_output output = {
		.out = invocation->out,
		.namespace = invocation->settings->namespace,
		.prometheus = options->prometheus,
		.file = options->output,
		.is_check = options->max_age != NULL,
		.now_ns = clock_unix_ns(),
	};

	if (limit_of(options->max_age, output.now_ns, &output.critical_ns, err) < 0 ||
	    limit_of(options->warn_age, output.now_ns, &output.warning_ns, err) < 0 ||
	    status_output_open(&output, err) < 0 || write_all(invocation, &output, err) < 0)
		return -1;
	invocation->out->exit_status = output.is_check ? output.worst : 0;
	return 0;
}

const struct command command_status = {
	.name = "status",
	.arguments = "[TARGET...]",
	.summary = "how old, how many, how large and how deep the versions are",
	.description =
		"Says of each workspace how old its newest version is (or since when it is known that nothing has\n"
		"changed), how many versions there are, what they take, how many layers it stands on, what was cut\n"
		"off, and how the last operation ended. Without a TARGET, of all that have a history here.\n"
		"With --max-age it is a check in the manner of Nagios: status 0 well, 1 older than --warn-age,\n"
		"2 older than --max-age or without a version, 3 when it cannot be told.\n"
		"With --quiet the id and the newest version of each are printed.\n",
	.options = status_options,
	.options_size = sizeof(struct status_options),
	.check = status_check,
	.takes_several = true,
	.all_is_its_own = true,
	.several_is_its_own = true,
	.several_offset = offsetof(struct status_options, several),
	.check_option = STATUS_MAX_AGE,
	.run = run,
};
