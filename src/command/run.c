#include "command/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/several.h"
#include "workspace/names.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

/* How many words a command can name. */
#define MAX_ARGUMENTS 8

/* What follows the name of a last argument of which there may be several. */
#define REPEATED "..."

static int check_target(const char *word, struct error *err)
{
	if (target_name_is_valid(word))
		return 0;
	return error_set(err, ERROR_USAGE, "'%.100s' can be neither a container id nor a bot id", word);
}

/* '' passes here: a command that does not allow it says so itself. */
static int check_name(const char *word, struct error *err)
{
	cleanup_free char *name = *word ? name_check(word, err) : NULL;

	return name || !*word ? 0 : -1;
}

static int check_version(const char *word, struct error *err)
{
	cleanup_version_word struct version_word version = { 0 };

	return version_word_parse(word, &version, err);
}

/* What words behind a command can be, by the names that help gives them. */
static const struct {
	const char *name;
	int (*check)(const char *word, struct error *err);
} argument_kinds[] = {
	{ "TARGET", check_target },
	{ "NAME", check_name },
	{ "VERSION", check_version },
};

static int check_word(const char *kind, size_t length, const char *word, struct error *err)
{
	for (size_t i = 0; i < sizeof(argument_kinds) / sizeof(*argument_kinds); i++)
		if (strlen(argument_kinds[i].name) == length && memcmp(argument_kinds[i].name, kind, length) == 0)
			return argument_kinds[i].check(word, err);
	return 0;
}

static int wrong_count(const struct command *command, struct error *err)
{
	return error_hint(err, "usage: wsnap %s %s%s%s%s", command->name, command->options ? "[OPTIONS] " : "",
			  command->arguments, command->behind ? " " : "", command->behind ? command->behind : "");
}

/* Those that stand behind "--" are apart where the command wants them so. */
static size_t own_count(const struct command_line *line)
{
	return line->command->behind ? line->front_count : line->argument_count;
}

/* The other words of an argument that may be given several times. */
static int check_more(const struct command_line *line, const char *kind, size_t length, const char **arguments,
		      size_t *count, struct error *err)
{
	for (; *count < own_count(line); (*count)++) {
		arguments[*count] = line->arguments[*count];
		if (check_word(kind, length, arguments[*count], err) < 0)
			return -1;
	}
	return 0;
}

/* Lays the words of the line beside those that the command names. */
static int check_arguments(const struct command_line *line, const struct invocation *invocation, const char **arguments,
			   struct error *err)
{
	const char *at = line->command->arguments;
	size_t count = 0;

	while (*at) {
		bool optional = *at == '[';
		const char *kind = at + optional;
		size_t length = strcspn(kind, " .]");

		if (count < own_count(line)) {
			arguments[count] = line->arguments[count];
			if (check_word(kind, length, arguments[count], err) < 0)
				return -1;
			count++;
		} else if (!optional && !several_is_asked(line->command, invocation)) {
			error_set(err, ERROR_USAGE, "'%s' needs a %.*s", line->command->name, (int)length, kind);
			return wrong_count(line->command, err);
		}
		at = kind + length;
		if (text_starts_with(at, REPEATED) && check_more(line, kind, length, arguments, &count, err) < 0)
			return -1;
		at += strspn(at, ".] ");
	}
	if (count == own_count(line))
		return 0;
	error_set(err, ERROR_USAGE, "'%.100s' is one argument too many for '%s'", line->arguments[count],
		  line->command->name);
	return wrong_count(line->command, err);
}

static int check_behind(const struct command_line *line, struct invocation *invocation, struct error *err)
{
	static const char *const none[] = { NULL };
	const struct command *command = line->command;

	invocation->behind = line->arguments ? line->arguments + line->argument_count : none;
	if (!command->behind)
		return 0;
	invocation->behind_count = line->argument_count - line->front_count;
	if (line->arguments)
		invocation->behind = line->arguments + line->front_count;
	if (invocation->behind_count || *command->behind == '[')
		return 0;
	error_set(err, ERROR_USAGE, "'%s' needs a %.*s behind --", command->name,
		  (int)strcspn(command->behind + 3, "."), command->behind + 3);
	return wrong_count(command, err);
}

/* Checks the words, then opens the session and runs. */
static int run_with_options(const struct command_line *line, struct invocation *invocation, struct error *err)
{
	const struct command *command = line->command;
	cleanup_session struct session session = { .state_dir = -1 };
	cleanup_free const char **arguments = calloc(MAX_ARGUMENTS + line->argument_count, sizeof(*arguments));
	struct error store_error = { 0 };

	if (!arguments)
		return error_memory(err);
	if (check_arguments(line, invocation, arguments, err) < 0)
		return -1;
	invocation->arguments = arguments;
	invocation->argument_count = own_count(line);
	if ((command->takes_several && several_check(command, invocation, err) < 0) ||
	    check_behind(line, invocation, err) < 0)
		return -1;
	if (command->check && command->check(invocation, err) < 0)
		return -1;
	invocation->out->failure_status = command->failure_status;
	if (command_open(command, invocation->settings, &session, &store_error, err) < 0)
		return -1;
	invocation->session = &session;
	if (store_error.kind != ERROR_NONE)
		invocation->store_error = &store_error;
	return several_is_asked(command, invocation) ? several_run(command, invocation, err)
						     : command->run(invocation, err);
}

int command_run(const struct command_line *line, const struct settings *settings, struct output *out, struct error *err)
{
	static const struct option_spec none[] = { { .type = OPTION_END } };
	const struct option_spec *table;
	cleanup_free void *options = NULL;
	struct invocation invocation = { .settings = settings, .out = out };
	int result;

	if (!line->command) {
		error_set(err, ERROR_USAGE, "a command is missing");
		return error_hint(err, "'wsnap --help' lists the commands");
	}
	table = line->command->options ? line->command->options : none;
	options = calloc(1, line->command->options_size + 1);
	if (!options)
		return error_memory(err);
	invocation.options = options;
	result = options_set_defaults(table, options, err);
	if (result == 0)
		result = options_set_given(table, &line->given, options, err);
	if (result == 0)
		result = run_with_options(line, &invocation, err);
	options_release(table, options);
	return result;
}
