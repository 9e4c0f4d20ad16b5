/* From words to a command, its arguments and the options. */
#include <stdlib.h>
#include <string.h>

#include "command/command.h"

static int take_argument(struct command_line *line, const char *word, struct error *err)
{
	const char **grown = reallocarray(line->arguments, line->argument_count + 2, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	line->arguments = grown;
	line->arguments[line->argument_count++] = word;
	line->arguments[line->argument_count] = NULL;
	return 0;
}

/* The first word that is no option names the command. */
static int take_word(struct command_line *line, const char *word, struct error *err)
{
	if (line->command)
		return take_argument(line, word, err);
	for (const struct command *const *command = line->commands; *command; command++) {
		if (strcmp((*command)->name, word) == 0) {
			line->command = *command;
			return 0;
		}
	}
	error_set(err, ERROR_USAGE, "'%.100s' is not a command", word);
	return error_hint(err, "'wsnap --help' lists the commands");
}

static int take_next(struct command_line *line, struct option_words *words, struct error *err)
{
	const struct option_spec *own = line->command ? line->command->options : NULL;
	struct option_given given;
	int what = options_next(words, own, settings_options, &given, err);

	if (!words->ended)
		line->front_count = line->argument_count + (what == OPTION_WORD_ARGUMENT && line->command);

	if (what == OPTION_WORD_OPTION)
		return options_given_add(&line->given, &given, err) < 0 ? -1 : 1;
	if (what == OPTION_WORD_ARGUMENT)
		return take_word(line, given.text, err) < 0 ? -1 : 1;
	if (what < 0 && line->command)
		error_hint(err, "'wsnap %s --help' lists the options", line->command->name);
	else if (what < 0)
		error_hint(err, "'wsnap --help' lists the options");
	return what;
}

/* Known even if the other words cannot be understood. */
static bool asks_for_check(const struct command_line *line, char *const *words, size_t count)
{
	const char *name = line->command ? line->command->check_option : NULL;

	for (size_t i = 0; name && i < count; i++) {
		const char *word = words[i];

		if (!text_starts_with(word, "--") || !text_starts_with(word + 2, name))
			continue;
		if (word[2 + strlen(name)] == '\0' || word[2 + strlen(name)] == '=')
			return true;
	}
	return false;
}

int command_line_parse(struct command_line *line, char *const *words, size_t count, struct error *err)
{
	struct option_words walk = { .words = words, .count = count };
	struct error later;
	int result = 0, more;

	do {
		more = take_next(line, &walk, result < 0 ? &later : err);
		if (more < 0)
			result = -1;
	} while (more != 0);
	line->is_check = asks_for_check(line, words, count);
	return result;
}

void command_line_release(struct command_line *line)
{
	free(line->arguments);
	options_given_release(&line->given);
	*line = (struct command_line){ .commands = line->commands };
}
