/* `wsnap --help` and `wsnap COMMAND --help`, made from the tables. */
#include "command/command.h"

/* What a command's name and its arguments may take of its line. */
#define NAME_COLUMNS 9
#define USAGE_COLUMNS 29

static void add_command(struct text *text, const struct command *command)
{
	struct text usage = { 0 };

	text_printf(&usage, "%-*s %s%s%s", NAME_COLUMNS, command->name, command->arguments, command->behind ? " " : "",
		    command->behind ? command->behind : "");
	if (usage.failed)
		text->failed = true;
	else if (usage.length > USAGE_COLUMNS)
		text_printf(text, "  %s\n  %*s %s\n", usage.data, USAGE_COLUMNS, "", command->summary);
	else
		text_printf(text, "  %-*s %s\n", USAGE_COLUMNS, usage.data, command->summary);
	text_release(&usage);
}

static void help_of_wsnap(const struct command_line *line, struct text *text)
{
	text_add(text, "Usage: wsnap [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]\n"
		       "\n"
		       "Keeps a history of versions of containerd's containers.\n"
		       "\n"
		       "Commands:\n");
	for (const struct command *const *command = line->commands; *command; command++)
		add_command(text, *command);
	text_add(text, "\nOptions:\n");
	options_help(settings_options, text);
	text_add(text, "\nTARGET is a container id or a bot id. VERSION is a number, a name, @ (what the workspace\n"
		       "stands on), @-1 (the one before), an age (@2h, @3d) or a time (@2026-01-31T23:59).\n"
		       "'wsnap COMMAND --help' tells more.\n");
}

static void help_of_command(const struct command *command, struct text *text)
{
	text_printf(text, "Usage: wsnap [GLOBAL OPTIONS] %s%s%s%s%s%s\n\n%s", command->name,
		    command->options ? " [OPTIONS]" : "", *command->arguments ? " " : "", command->arguments,
		    command->behind ? " " : "", command->behind ? command->behind : "", command->description);
	if (command->options) {
		text_add(text, "\nOptions:\n");
		options_help(command->options, text);
	}
	text_add(text, "\nGlobal options:\n");
	options_help(settings_options, text);
}

int command_help(const struct command_line *line, struct output *out, struct error *err)
{
	cleanup_text struct text text = { 0 };

	if (line->command)
		help_of_command(line->command, &text);
	else
		help_of_wsnap(line, &text);
	if (text.failed)
		return error_memory(err);
	fputs(text.data, out->stream);
	return 0;
}
