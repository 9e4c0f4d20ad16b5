#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "command/commands.h"
#include "command/prune_report.h"
#include "command/several.h"
#include "prune/prune.h"
#include "prune/retention.h"

/* A number of a rule that may also be not given: then the configuration's counts. */
struct keep_number {
	bool given;
	int number;
};

struct keep_span {
	bool given;
	struct duration duration;
};

struct prune_options {
	struct several several;
	bool named;
	bool dry_run;
#define KEEP_FIELD(rule, help) struct keep_number rule;
	KEEP_RULES(KEEP_FIELD)
	struct keep_span within;
};

static int set_keep(const char *text, void *field, struct error *err)
{
	struct keep_number *keep = field;

	if (!text_is_digits(text) || strlen(text) > 9)
		return error_set(err, ERROR_USAGE, "not a number in 0 to 999999999");
	*keep = (struct keep_number){ .given = true, .number = atoi(text) };
	return 0;
}

static int set_within(const char *text, void *field, struct error *err)
{
	struct keep_span *within = field;

	if (option_set_duration(text, &within->duration, err) < 0)
		return -1;
	within->given = true;
	return 0;
}

#define KEEP_OPTION(rule, words)                          \
	{ .type = OPTION_OTHER,                           \
	  .name = "keep-" #rule,                          \
	  .argument = "N",                                \
	  .set = set_keep,                                \
	  .offset = offsetof(struct prune_options, rule), \
	  .help = words },

static const struct option_spec prune_options[] = {
	SEVERAL_OPTIONS(prune_options),
	KEEP_RULES(KEEP_OPTION){ .type = OPTION_OTHER,
				 .name = "keep-within",
				 .argument = "DURATION",
				 .set = set_within,
				 .offset = offsetof(struct prune_options, within),
				 .help = KEEP_WITHIN_HELP },
	{ .type = OPTION_FLAG,
	  .name = "named",
	  .offset = offsetof(struct prune_options, named),
	  .help = "let versions with a name go as well" },
	{ .type = OPTION_FLAG,
	  .name = "dry-run",
	  .offset = offsetof(struct prune_options, dry_run),
	  .help = "say what would go and what that would free, and change nothing" },
	{ .type = OPTION_END },
};

static int choose(const struct keep_number *keep, int otherwise)
{
	return keep->given ? keep->number : otherwise;
}

/* What is not given on the command line is taken from the configuration. */
static struct keep_rules rules_of(const struct invocation *invocation)
{
	const struct prune_options *options = invocation->options;
	const struct keep_rules *configured = &invocation->settings->keep;

	return (struct keep_rules){
#define KEEP_CHOICE(rule, help) .rule = choose(&options->rule, configured->rule),
		KEEP_RULES(KEEP_CHOICE).within = options->within.given ? options->within.duration : configured->within,
	};
}

static int prune_check(const struct invocation *invocation, struct error *err)
{
	const struct prune_options *options = invocation->options;
	struct keep_rules rules = rules_of(invocation);

	if (invocation->target_count == 0 && !options->several.all && options->several.filters.count == 0) {
		error_set(err, ERROR_USAGE, "'prune' needs a TARGET or --all");
		return error_hint(err, "usage: wsnap prune [OPTIONS] TARGET... | --all | --filter LABEL");
	}
	if (retention_has_rules(&rules))
		return 0;
	error_set(err, ERROR_USAGE, "'prune' needs a rule that says what to keep");
	return error_hint(err, "give --keep-last N, --keep-daily N, …, or set keep_last and its like in wsnap.conf");
}

static int report_one(const struct prune_result *result, const struct error *failure, void *context, struct error *err)
{
	struct prune_report *report = context;

	if (failure && !report->out->json)
		log_warning("'%s' was not pruned: %s", result->container_id, failure->message);
	prune_report_add(report, result, failure);
	return report->writer.failed ? error_memory(err) : 0;
}

static int prune_run_command(const struct invocation *invocation, struct error *err)
{
	const struct prune_options *options = invocation->options;
	const struct prune_request request = {
		.keep = rules_of(invocation),
		.named = options->named,
		.dry_run = options->dry_run,
	};
	struct prune_report report = { .out = invocation->out,
				       .writer = { .stream = invocation->out->stream },
				       .dry_run = options->dry_run };
	cleanup_prune_result struct prune_result result = { 0 };
	int done;

	if (options->several.all) {
		prune_report_begin(&report);
		done = prune_run_all(invocation->session, &request, report_one, &report, err);
		prune_report_end(&report);
		return done;
	}
	done = prune_run(invocation->session, invocation->targets, &request, &result, err);
	if (done == 0 || result.removed_count)
		prune_report_add(&report, &result, NULL);
	return done;
}

const struct command command_prune = {
	.name = "prune",
	.arguments = "[TARGET...]",
	.summary = "give old versions up, by rules that say which to keep",
	.description =
		"Gives up every version that no rule keeps, and says what that has freed. Each rule goes from the\n"
		"newest version to the oldest and keeps the newest one of each period (in UTC), N of them; a\n"
		"rule that could keep more keeps the oldest version too. The newest version, the one that the\n"
		"workspace stands on, and those with a name stay in any case (--named lets names go). A\n"
		"version whose layer another one stands on frees nothing as long as that one stays.\n"
		"Rules that are not given come from keep_last, keep_daily, … in wsnap.conf.\n"
		"With --quiet nothing is printed.\n",
	.options = prune_options,
	.options_size = sizeof(struct prune_options),
	.takes_several = true,
	.all_is_its_own = true,
	.several_offset = offsetof(struct prune_options, several),
	.check = prune_check,
	.run = prune_run_command,
};
