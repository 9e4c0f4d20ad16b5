/* Options of the commands that can leave the workspace running. */
#ifndef WSNAP_COMMAND_FREEZE_H
#define WSNAP_COMMAND_FREEZE_H

#include "base/options.h"
#include "operation/operation.h"

struct freeze_options {
	bool live, stop;
	unsigned max_ms;
};

#define FREEZE_MOST_MS 600000

/* The rows of an option table for `struct values`, which has a `struct freeze_options freeze`. */
#define FREEZE_OPTIONS(values)                                                                                    \
	{ .type = OPTION_FLAG,                                                                                    \
	  .name = "live",                                                                                         \
	  .offset = offsetof(struct values, freeze.live),                                                         \
	  .help = "save the workspace while it runs" },                                                           \
		{ .type = OPTION_FLAG,                                                                            \
		  .name = "stop",                                                                                 \
		  .offset = offsetof(struct values, freeze.stop),                                                 \
		  .help = "stop it, whatever the configuration says" },                                           \
	{                                                                                                         \
		.type = OPTION_NUMBER, .name = "max-freeze", .argument = "MS", .otherwise = "1000", .minimum = 1, \
		.maximum = FREEZE_MOST_MS, .offset = offsetof(struct values, freeze.max_ms),                      \
		.help = "with --live, how long the workspace may stand still"                                     \
	}

/* ERROR_USAGE for words that exclude each other. */
int freeze_check(const struct freeze_options *options, struct error *err);

enum operation_mode freeze_mode(const struct freeze_options *options);

#endif
