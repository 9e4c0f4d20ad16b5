/* What the words behind a command say: read once, by the names that its help gives them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "command/words.h"

static const struct command one = { .name = "one", .arguments = "TARGET VERSION NAME" };
static const struct command create = { .name = "create", .arguments = "TARGET [NAME]" };
static const struct command many = { .name = "many", .arguments = "TARGET..." };
static const struct command some = { .name = "some", .arguments = "TARGET [VERSION...]" };
static const struct command two = { .name = "two",
				    .arguments = "TARGET [VERSION [VERSION]]",
				    .behind = "[-- PATH...]" };
static const struct command other = { .name = "other", .arguments = "TARGET NEW-ID" };
static const struct command *const commands[] = { &one, &create, &many, &some, &two, &other, NULL };

struct line {
	struct command_line line;
	struct invocation invocation;
	struct words words;
	struct error err;
};

/* Reads the words up to NULL. */
static int read_line(struct line *line, ...)
{
	char *words[16]; /* as main gets them */
	size_t count = 0;
	va_list args;

	*line = (struct line){ .line = { .commands = commands } };
	va_start(args, line);
	while ((words[count] = va_arg(args, char *)))
		count++;
	va_end(args);
	assert_int_equal(command_line_parse(&line->line, words, count, &line->err), 0);
	return words_read(&line->line, &line->invocation, &line->words, &line->err);
}

static void forget(struct line *line)
{
	words_release(&line->words);
	command_line_release(&line->line);
}

static void each_word_is_what_it_says(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(read_line(&line, "one", "web", "0012", "  before it\t", NULL), 0);
	assert_int_equal(line.invocation.target_count, 1);
	assert_string_equal(line.invocation.targets[0].text, "web");
	assert_string_equal(line.invocation.targets[0].bot_id, "");
	assert_int_equal(line.invocation.version_count, 1);
	assert_int_equal(line.invocation.versions[0].kind, VERSION_WORD_NUMBER);
	assert_int_equal(line.invocation.versions[0].number, 12);
	assert_string_equal(line.invocation.versions[0].text, "0012");
	assert_string_equal(line.invocation.name, "before it");
	assert_string_equal(line.invocation.arguments[2], "  before it\t");
	forget(&line);
}

static void a_bot_is_told_from_a_container(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(read_line(&line, "many", "web", "6D1B1E0A-53F1-4C1D-9A35-0D3C8F3A7B52",
				   "6d1b1e0a53f14c1d9a350d3c8f3a7b52", NULL),
			 0);
	assert_int_equal(line.invocation.target_count, 3);
	assert_string_equal(line.invocation.targets[1].bot_id, "6d1b1e0a-53f1-4c1d-9a35-0d3c8f3a7b52");
	assert_string_equal(line.invocation.targets[1].text, "6D1B1E0A-53F1-4C1D-9A35-0D3C8F3A7B52");
	assert_string_equal(line.invocation.targets[2].bot_id, "");
	forget(&line);
}

static void what_is_left_out_is_not_there(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(read_line(&line, "create", "web", NULL), 0);
	assert_null(line.invocation.name);
	assert_null(line.invocation.arguments[1]);
	forget(&line);
	assert_int_equal(read_line(&line, "create", "web", "", NULL), 0);
	assert_null(line.invocation.name);
	assert_string_equal(line.invocation.arguments[1], "");
	forget(&line);
	assert_int_equal(read_line(&line, "some", "web", NULL), 0);
	assert_int_equal(line.invocation.version_count, 0);
	forget(&line);
}

static void versions_stand_in_their_order(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(read_line(&line, "some", "web", "3", "@-1", "before", NULL), 0);
	assert_int_equal(line.invocation.version_count, 3);
	assert_int_equal(line.invocation.versions[0].number, 3);
	assert_int_equal(line.invocation.versions[1].kind, VERSION_WORD_BACK);
	assert_string_equal(line.invocation.versions[2].name, "before");
	forget(&line);
	assert_int_equal(read_line(&line, "two", "web", "1", "--", "/etc", "/usr", NULL), 0);
	assert_int_equal(line.invocation.version_count, 1);
	assert_int_equal(line.invocation.behind_count, 2);
	assert_string_equal(line.invocation.behind[1], "/usr");
	forget(&line);
}

static void other_words_are_taken_as_they_are(void **state)
{
	struct line line;

	(void)state;
	assert_int_equal(read_line(&line, "other", "web", "not an id!", NULL), 0);
	assert_int_equal(line.invocation.target_count, 1);
	assert_string_equal(line.invocation.arguments[1], "not an id!");
	forget(&line);
}

static void what_cannot_be_one_is_refused(void **state)
{
	static const struct {
		const char *words[5];
		const char *message;
	} bad[] = {
		{ { "many", "web", "a b", NULL }, "'a b' can be neither a container id nor a bot id" },
		{ { "some", "web", "1", "0", NULL }, "'0' cannot be a version: numbers go from 1 to 2147483647" },
		{ { "two", "web", "@soon", NULL }, "'@soon' says neither a place nor a time" },
		{ { "create", "web", "12", NULL }, "'12' cannot be a name: digits alone are a version's number" },
		{ { "one", "web", "1", NULL }, "'one' needs a NAME" },
		{ { "other", "web", "x", "y", NULL }, "'y' is one argument too many for 'other'" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *const *words = bad[i].words;
		struct line line;

		assert_int_equal(read_line(&line, words[0], words[1], words[2], words[3], words[4], NULL), -1);
		assert_int_equal(line.err.kind, ERROR_USAGE);
		assert_string_equal(line.err.message, bad[i].message);
		forget(&line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_is_what_it_says),         cmocka_unit_test(a_bot_is_told_from_a_container),
		cmocka_unit_test(what_is_left_out_is_not_there),     cmocka_unit_test(versions_stand_in_their_order),
		cmocka_unit_test(other_words_are_taken_as_they_are), cmocka_unit_test(what_cannot_be_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
