#include "command/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "command/several.h"
#include "command/words.h"
#include "recover/recover.h"

/* Reads the words, then opens the session and runs. */
static int run_with_options(const struct command_line *line, struct invocation *invocation, struct error *err)
{
	const struct command *command = line->command;
	cleanup_session struct session session = { .state_dir = -1 };
	cleanup_words struct words words = { 0 };
	struct error store_error = { 0 };

	if (words_read(line, invocation, &words, err) < 0)
		return -1;
	if (command->check && command->check(invocation, err) < 0)
		return -1;
	invocation->out->failure_status = command->failure_status;
	if (command_open(command, invocation->settings, &session, &store_error, err) < 0)
		return -1;
	invocation->session = &session;
	if (session.ctr && session.store && text_starts_with(command->arguments, "TARGET"))
		recover_left_forks(&session);
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
