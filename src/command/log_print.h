/* How a history is shown: with a graph on a terminal, as a table elsewhere, as JSON. */
#ifndef WSNAP_COMMAND_LOG_PRINT_H
#define WSNAP_COMMAND_LOG_PRINT_H

#include "command/command.h"
#include "command/log_history.h"

struct log_options {
	bool stat;
};

int log_print(const struct invocation *invocation, const char *container_id, const struct log_history *history,
	      struct error *err);

#endif
