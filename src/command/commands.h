/* The commands there are, in the order of `wsnap --help`. To add one: a line here, its file, and its entry in the manual. */
#ifndef WSNAP_COMMAND_COMMANDS_H
#define WSNAP_COMMAND_COMMANDS_H

#include "command/command.h"

/* clang-format off */
#define COMMANDS(X) \
	X(create) \
	X(version) \
	X(list) \
	X(rollback) \
	X(show) \
	X(log) \
	X(diff) \
	X(guard) \
	X(mount) \
	X(umount) \
	X(restore) \
	X(fork) \
	X(name) \
	X(events) \
	X(status) \
	X(run_policies) \
	X(compact) \
	X(prune) \
	X(delete) \
	X(recover) \
	X(doctor) \
	X(init)
/* clang-format on */

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

#endif
