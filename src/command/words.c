#include "command/words.h"

#include <stdlib.h>
#include <string.h>

#include "command/several.h"
#include "workspace/names.h"

/* How many words a command can name. */
#define MAX_ARGUMENTS 8

/* What follows the name of a last argument of which there may be several. */
#define REPEATED "..."

static int read_target(const char *text, struct words *words, struct error *err)
{
	return target_word_parse(text, &words->targets[words->target_count++], err);
}

static int read_version(const char *text, struct words *words, struct error *err)
{
	return version_word_parse(text, &words->versions[words->version_count++], err);
}

/* '' passes here: a command that does not allow it says so itself. */
static int read_name(const char *text, struct words *words, struct error *err)
{
	if (!*text)
		return 0;
	words->name = name_check(text, err);
	return words->name ? 0 : -1;
}

/* What words behind a command can be, by the names that help gives them. */
static const struct {
	const char *name;
	int (*read)(const char *text, struct words *words, struct error *err);
} kinds[] = {
	{ "TARGET", read_target },
	{ "NAME", read_name },
	{ "VERSION", read_version },
};

static int read_word(const char *kind, size_t length, const char *text, struct words *words, struct error *err)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i].name) == length && memcmp(kinds[i].name, kind, length) == 0)
			return kinds[i].read(text, words, err);
	return 0;
}

static int wrong_count(const struct command *command, struct error *err)
{
	return error_hint(err, "usage: wsnap %s%s%s%s%s%s", command->name, command->options ? " [OPTIONS]" : "",
			  *command->arguments ? " " : "", command->arguments, command->behind ? " " : "",
			  command->behind ? command->behind : "");
}

/* Those that stand behind "--" are apart where the command wants them so. */
static size_t own_count(const struct command_line *line)
{
	return line->command->behind ? line->front_count : line->argument_count;
}

/* The other words of an argument that may be given several times. */
static int read_more(const struct command_line *line, const char *kind, size_t length, struct words *words,
		     size_t *count, struct error *err)
{
	for (; *count < own_count(line); (*count)++) {
		words->texts[*count] = line->arguments[*count];
		if (read_word(kind, length, words->texts[*count], words, err) < 0)
			return -1;
	}
	return 0;
}

/* Lays the words of the line beside those that the command names. */
static int read_all(const struct command_line *line, const struct invocation *invocation, struct words *words,
		    struct error *err)
{
	const char *at = line->command->arguments;
	size_t count = 0;

	while (*at) {
		bool optional = *at == '[';
		const char *kind = at + optional;
		size_t length = strcspn(kind, " .]");

		if (count < own_count(line)) {
			words->texts[count] = line->arguments[count];
			if (read_word(kind, length, words->texts[count], words, err) < 0)
				return -1;
			count++;
		} else if (!optional && !several_is_asked(line->command, invocation)) {
			error_set(err, ERROR_USAGE, "'%s' needs a %.*s", line->command->name, (int)length, kind);
			return wrong_count(line->command, err);
		}
		at = kind + length;
		if (text_starts_with(at, REPEATED) && read_more(line, kind, length, words, &count, err) < 0)
			return -1;
		at += strspn(at, ".] ");
	}
	if (count == own_count(line))
		return 0;
	error_set(err, ERROR_USAGE, "'%.100s' is one argument too many for '%s'", line->arguments[count],
		  line->command->name);
	return wrong_count(line->command, err);
}

static int read_behind(const struct command_line *line, struct invocation *invocation, struct error *err)
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

static int make_room(const struct command_line *line, struct words *words, struct error *err)
{
	size_t most = MAX_ARGUMENTS + line->argument_count;

	words->texts = calloc(most, sizeof(*words->texts));
	words->targets = calloc(most, sizeof(*words->targets));
	words->versions = calloc(most, sizeof(*words->versions));
	return words->texts && words->targets && words->versions ? 0 : error_memory(err);
}

int words_read(const struct command_line *line, struct invocation *invocation, struct words *words, struct error *err)
{
	const struct command *command = line->command;

	if (make_room(line, words, err) < 0 || read_all(line, invocation, words, err) < 0)
		return -1;
	invocation->arguments = words->texts;
	invocation->argument_count = own_count(line);
	invocation->targets = words->targets;
	invocation->target_count = words->target_count;
	invocation->versions = words->versions;
	invocation->version_count = words->version_count;
	invocation->name = words->name;
	if (command->takes_several && several_check(command, invocation, err) < 0)
		return -1;
	return read_behind(line, invocation, err);
}

void words_release(struct words *words)
{
	for (size_t i = 0; i < words->version_count; i++)
		version_word_release(&words->versions[i]);
	free(words->texts);
	free(words->targets);
	free(words->versions);
	free(words->name);
	*words = (struct words){ 0 };
}
