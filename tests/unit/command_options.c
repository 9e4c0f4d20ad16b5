/* From the words of a command line to a command, its arguments and its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command/run.h"

struct fruit_options {
	bool ripe;
	char *colour;
	int count;
};

static const struct option_spec fruit_options[] = {
	{ .type = OPTION_FLAG,
	  .letter = 'r',
	  .name = "ripe",
	  .offset = offsetof(struct fruit_options, ripe),
	  .help = "only ripe ones" },
	{ .type = OPTION_TEXT,
	  .letter = 'n',
	  .name = "colour",
	  .argument = "C",
	  .otherwise = "red",
	  .offset = offsetof(struct fruit_options, colour),
	  .help = "of this colour" },
	{ .type = OPTION_NUMBER,
	  .name = "count",
	  .argument = "N",
	  .minimum = 1,
	  .maximum = 9,
	  .offset = offsetof(struct fruit_options, count),
	  .help = "as many" },
	{ .type = OPTION_END },
};

static const struct command fruit = { .name = "fruit",
				      .arguments = "TARGET [NAME]",
				      .options = fruit_options,
				      .options_size = sizeof(struct fruit_options) };
static const struct command plain = { .name = "plain", .arguments = "TARGET VERSION" };
static const struct command *const commands[] = { &fruit, &plain, NULL };

/* A command line that has been parsed, and what its command was set to. */
struct parsed {
	struct command_line line;
	struct fruit_options options;
	struct settings settings;
	struct error err;
	int result;
};

static int set_up(void **state)
{
	struct parsed *parsed = calloc(1, sizeof(*parsed));

	if (!parsed)
		return -1;
	parsed->line.commands = commands;
	*state = parsed;
	return 0;
}

static void clear(struct parsed *parsed)
{
	command_line_release(&parsed->line);
	options_release(fruit_options, &parsed->options);
	options_release(settings_options, &parsed->settings);
	*parsed = (struct parsed){ .line = { .commands = commands } };
}

static int tear_down(void **state)
{
	clear(*state);
	free(*state);
	return 0;
}

/* Parses the words up to NULL. */
static int parse(struct parsed *parsed, ...)
{
	char *words[16];
	size_t count = 0;
	va_list args;

	clear(parsed);
	va_start(args, parsed);
	while ((words[count] = va_arg(args, char *)))
		count++;
	va_end(args);
	parsed->result = command_line_parse(&parsed->line, words, count, &parsed->err);
	if (parsed->result == 0)
		parsed->result = options_set_given(fruit_options, &parsed->line.given, &parsed->options, &parsed->err);
	if (parsed->result == 0)
		parsed->result =
			options_set_given(settings_options, &parsed->line.given, &parsed->settings, &parsed->err);
	return parsed->result;
}

static void options_may_stand_anywhere(void **state)
{
	struct parsed *parsed = *state;

	assert_int_equal(parse(parsed, "-q", "fruit", "--ripe", "basket", "--wait=7", "apple", "-v", NULL), 0);
	assert_ptr_equal(parsed->line.command, &fruit);
	assert_int_equal(parsed->line.argument_count, 2);
	assert_string_equal(parsed->line.arguments[0], "basket");
	assert_string_equal(parsed->line.arguments[1], "apple");
	assert_true(parsed->settings.quiet && parsed->settings.verbose && parsed->options.ripe);
	assert_int_equal(parsed->settings.wait_s, 7);
}

static void values_come_behind_an_equals_sign_a_space_or_nothing(void **state)
{
	struct parsed *parsed = *state;

	assert_int_equal(parse(parsed, "fruit", "--count=3", "--colour", "-green-", NULL), 0);
	assert_int_equal(parsed->options.count, 3);
	assert_string_equal(parsed->options.colour, "-green-");
	assert_int_equal(parse(parsed, "fruit", "-nblue", "-w", "5", NULL), 0);
	assert_string_equal(parsed->options.colour, "blue");
	assert_int_equal(parsed->settings.wait_s, 5);
	assert_int_equal(parse(parsed, "fruit", "-rqn", "blue=x", NULL), 0);
	assert_true(parsed->options.ripe && parsed->settings.quiet);
	assert_string_equal(parsed->options.colour, "blue=x");
	assert_int_equal(parse(parsed, "fruit", "--colour=a", "--colour=b", NULL), 0);
	assert_string_equal(parsed->options.colour, "b");
}

static void a_commands_own_option_comes_before_a_global_one(void **state)
{
	struct parsed *parsed = *state;

	assert_int_equal(parse(parsed, "-n", "space", "fruit", "-n", "green", NULL), 0);
	assert_string_equal(parsed->settings.namespace, "space");
	assert_string_equal(parsed->options.colour, "green");
}

static void after_two_dashes_all_are_arguments(void **state)
{
	struct parsed *parsed = *state;

	assert_int_equal(parse(parsed, "fruit", "--", "--ripe", "--", NULL), 0);
	assert_int_equal(parsed->line.argument_count, 2);
	assert_string_equal(parsed->line.arguments[0], "--ripe");
	assert_string_equal(parsed->line.arguments[1], "--");
	assert_false(parsed->options.ripe);
	assert_int_equal(parse(parsed, "fruit", "-", NULL), 0);
	assert_string_equal(parsed->line.arguments[0], "-");
}

static void refuses(struct parsed *parsed, const char *message, const char *hint)
{
	assert_int_equal(parsed->result, -1);
	assert_int_equal(parsed->err.kind, ERROR_USAGE);
	assert_string_equal(parsed->err.message, message);
	assert_string_equal(parsed->err.hint, hint);
}

static void what_cannot_be_understood_is_named(void **state)
{
	struct parsed *parsed = *state;

	parse(parsed, "--nope", "fruit", NULL);
	refuses(parsed, "'--nope' is not an option", "'wsnap --help' lists the options");
	parse(parsed, "fruit", "--nope=7", NULL);
	refuses(parsed, "'--nope' is not an option", "'wsnap fruit --help' lists the options");
	parse(parsed, "plain", "--ripe", NULL);
	refuses(parsed, "'--ripe' is not an option", "'wsnap plain --help' lists the options");
	parse(parsed, "fruit", "-rx", NULL);
	refuses(parsed, "'-x' is not an option", "'wsnap fruit --help' lists the options");
	parse(parsed, "fruit", "--rip", NULL);
	refuses(parsed, "'--rip' is not an option", "'wsnap fruit --help' lists the options");
	parse(parsed, "fruit", "--=x", NULL);
	refuses(parsed, "'--' is not an option", "'wsnap fruit --help' lists the options");
	parse(parsed, "fruit", "--colour", NULL);
	refuses(parsed, "'--colour' needs an argument: C", "'wsnap fruit --help' lists the options");
	parse(parsed, "fruit", "-w", NULL);
	refuses(parsed, "'-w' needs an argument: SECONDS", "'wsnap fruit --help' lists the options");
	parse(parsed, "fruit", "--ripe=yes", NULL);
	refuses(parsed, "'--ripe' takes no argument", "'wsnap fruit --help' lists the options");
	parse(parsed, "vegetable", NULL);
	refuses(parsed, "'vegetable' is not a command", "'wsnap --help' lists the commands");
	parse(parsed, "fruit", "--count=10", NULL);
	refuses(parsed, "'--count' cannot be '10': not a whole number from 1 to 9", "");
	parse(parsed, "fruit", "--max_depth=10", NULL);
	refuses(parsed, "'--max_depth' is not an option", "'wsnap fruit --help' lists the options");
}

static void the_first_mistake_counts_and_the_rest_is_still_read(void **state)
{
	struct parsed *parsed = *state;

	parse(parsed, "--nope", "fruit", "--nada", "--json", NULL);
	refuses(parsed, "'--nope' is not an option", "'wsnap --help' lists the options");
	assert_int_equal(options_set_given(settings_options, &parsed->line.given, &parsed->settings, &parsed->err), 0);
	assert_true(parsed->settings.json);
}

/* Runs as far as the words go: every line here has a mistake in them. */
static void run(struct parsed *parsed)
{
	struct output out = { .stream = stdout };

	if (parsed->result == 0)
		parsed->result = command_run(&parsed->line, &parsed->settings, &out, &parsed->err);
}

static void arguments_are_counted_and_checked_before_anything_is_opened(void **state)
{
	struct parsed *parsed = *state;

	parse(parsed, NULL);
	run(parsed);
	refuses(parsed, "a command is missing", "'wsnap --help' lists the commands");
	parse(parsed, "fruit", NULL);
	run(parsed);
	refuses(parsed, "'fruit' needs a TARGET", "usage: wsnap fruit [OPTIONS] TARGET [NAME]");
	parse(parsed, "plain", "box", NULL);
	run(parsed);
	refuses(parsed, "'plain' needs a VERSION", "usage: wsnap plain TARGET VERSION");
	parse(parsed, "fruit", "a", "b", "c", NULL);
	run(parsed);
	refuses(parsed, "'c' is one argument too many for 'fruit'", "usage: wsnap fruit [OPTIONS] TARGET [NAME]");
	parse(parsed, "fruit", "../etc", NULL);
	run(parsed);
	refuses(parsed, "'../etc' can be neither a container id nor a bot id", "");
	parse(parsed, "fruit", "box", "7", NULL);
	run(parsed);
	refuses(parsed, "'7' cannot be a name: digits alone are a version's number", "");
	parse(parsed, "plain", "box", "0", NULL);
	run(parsed);
	refuses(parsed, "'0' cannot be a version: numbers go from 1 to 2147483647", "");
	parse(parsed, "plain", "", "1", NULL);
	run(parsed);
	refuses(parsed, "'' can be neither a container id nor a bot id", "");
}

static void help_is_made_from_the_tables(void **state)
{
	struct parsed *parsed = *state;
	char *text = NULL;
	size_t length = 0;
	struct output out = { .stream = open_memstream(&text, &length) };

	assert_non_null(out.stream);
	parse(parsed, "fruit", NULL);
	assert_int_equal(command_help(&parsed->line, &out, &parsed->err), 0);
	assert_int_equal(fclose(out.stream), 0);
	assert_non_null(strstr(text, "Usage: wsnap [GLOBAL OPTIONS] fruit [OPTIONS] TARGET [NAME]\n"));
	assert_non_null(strstr(text, "\nOptions:\n  -r, --ripe                    only ripe ones\n"
				     "  -n, --colour C                of this colour (default red)\n"
				     "      --count N                 as many\n"));
	assert_non_null(strstr(text, "\nGlobal options:\n  -a, --address SOCKET "));
	free(text);
}

static void lengths_of_time_are_restics(void **state)
{
	static const char *const bad[] = { "", "7", "d", "1d2", "1w", "-1d", "1 d", "1234567d", "1d ", "d1" };
	struct error err = { 0 };
	struct duration duration = { 0 };

	(void)state;
	assert_int_equal(option_set_duration("2y6m7d12h", &duration, &err), 0);
	assert_int_equal(duration.years * 1000 + duration.months * 100 + duration.days, 2607);
	assert_int_equal(duration.hours, 12);
	assert_int_equal(option_set_duration("36h", &duration, &err), 0);
	assert_int_equal(duration.years + duration.months + duration.days, 0);
	assert_int_equal(duration.hours, 36);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (option_set_duration(bad[i], &duration, &err) == 0)
			fail_msg("'%s' is taken", bad[i]);
	assert_int_equal(duration.hours, 36);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(options_may_stand_anywhere),
		TEST(values_come_behind_an_equals_sign_a_space_or_nothing),
		TEST(a_commands_own_option_comes_before_a_global_one),
		TEST(after_two_dashes_all_are_arguments),
		TEST(what_cannot_be_understood_is_named),
		TEST(the_first_mistake_counts_and_the_rest_is_still_read),
		TEST(arguments_are_counted_and_checked_before_anything_is_opened),
		TEST(help_is_made_from_the_tables),
		cmocka_unit_test(lengths_of_time_are_restics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
