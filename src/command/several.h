/*
 * One command on several workspaces in one run: options that choose them, a pool of workers, and one result.
 *
 * A command says in its table entry where its options have a struct several, and has SEVERAL_OPTIONS in its option
 * table. It is then run once for each workspace, as if each had been given alone, in a session of its worker's.
 */
#ifndef WSNAP_COMMAND_SEVERAL_H
#define WSNAP_COMMAND_SEVERAL_H

#include "command/command.h"
#include "workspace/selection.h"

#define SEVERAL_JOBS_DEFAULT "4"
#define SEVERAL_JOBS_MOST 64

struct several {
	bool all;
	unsigned jobs;
	struct label_filters filters; /* the texts are those of the command line */
};

/* For `set`: one more filter. */
int several_add_filter(const char *text, void *field, struct error *err);

/* The rows of an option table for `struct values`, which has a `struct several several`. */
#define SEVERAL_OPTIONS(values)                                                                              \
	{ .type = OPTION_FLAG,                                                                               \
	  .name = "all",                                                                                     \
	  .offset = offsetof(struct values, several.all),                                                    \
	  .help = "every workspace that has a history and a container here" },                               \
		{ .type = OPTION_OTHER,                                                                      \
		  .name = "filter",                                                                          \
		  .argument = "LABEL[=VALUE]",                                                               \
		  .set = several_add_filter,                                                                 \
		  .offset = offsetof(struct values, several.filters),                                        \
		  .help = "the containers with this label; may be given again, then all must hold" },        \
	{                                                                                                    \
		.type = OPTION_NUMBER, .name = "jobs", .argument = "N", .otherwise = SEVERAL_JOBS_DEFAULT,   \
		.minimum = 1, .maximum = SEVERAL_JOBS_MOST, .offset = offsetof(struct values, several.jobs), \
		.help = "with several workspaces, how many at a time"                                        \
	}

/* Whether the words ask for the form of several: by --all, --filter, or more than one TARGET. */
bool several_is_asked(const struct command *command, const struct invocation *invocation);

/* What can be said of the words: ERROR_USAGE. */
int several_check(const struct command *command, const struct invocation *invocation, struct error *err);

/* A note that the options have chosen no workspace. */
void several_tell_none(const struct several *several, const char *namespace);

/*
 * Runs the command on all of them and writes what they said, by container id. One that fails does not stop the others;
 * then *err tells of the first one, and of how many. After SIGINT, SIGTERM or SIGHUP what is under way is finished, and
 * nothing more is begun.
 */
int several_run(const struct command *command, const struct invocation *invocation, struct error *err);

#endif
