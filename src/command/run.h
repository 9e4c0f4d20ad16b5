/* Running the command of a command line. */
#ifndef WSNAP_COMMAND_RUN_H
#define WSNAP_COMMAND_RUN_H

#include "command/command.h"

/* Checks the words of the line, opens what the command needs, and runs it. */
int command_run(const struct command_line *line, const struct settings *settings, struct output *out,
		struct error *err);

#endif
