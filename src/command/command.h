/*
 * A command as data. Each stands in a file of its own as `const struct command command_NAME`, and commands.h
 * lists them: that is all it takes to add one.
 */
#ifndef WSNAP_COMMAND_COMMAND_H
#define WSNAP_COMMAND_COMMAND_H

#include <stddef.h>

#include "base/error.h"
#include "base/options.h"
#include "base/settings.h"
#include "output/output.h"
#include "workspace/session.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

/* What has to be open before a command runs. */
enum command_needs {
	COMMAND_NEEDS_ALL,        /* containerd and the database with its schema */
	COMMAND_NEEDS_DATABASE,   /* the database alone, whatever is in it */
	COMMAND_NEEDS_CONTAINERD, /* containerd; the database if it can be had */
};

/* What a command is given. Arguments and options have been checked as far as words go. */
struct invocation {
	const struct settings *settings;
	const char *const
		*arguments;    /* as typed, in the order of the command's; NULL where an optional one is missing */
	size_t argument_count; /* how many were given */
	const struct target_word *targets;   /* what those say that help calls TARGET, in their order … */
	size_t target_count;                 /* … and how many there are */
	const struct version_word *versions; /* the same for VERSION */
	size_t version_count;
	const char *name;          /* of the one called NAME; NULL: it is missing, or '' */
	const char *const *behind; /* what stands behind "--", ended by NULL, for commands that want it apart */
	size_t behind_count;
	const void *options;             /* the command's own structure of values */
	struct session *session;         /* NULL while `check` runs */
	const struct error *store_error; /* COMMAND_NEEDS_CONTAINERD: why there is no database; else NULL */
	struct output *out;
	bool is_one_of_several; /* others run beside it: how far it has come is not shown */
};

struct command {
	const char *name;
	const char *arguments;   /* as help shows them: words, in brackets where they may be missing, with "..."
				  * behind the last one if it may be repeated. TARGET,
				  * NAME and VERSION are read by these names (words.c) */
	const char *behind;      /* the same for what stands behind "--": "-- COMMAND...", "[-- PATH...]". NULL: nothing
				  * of its own, what stands there is as in front of it */
	const char *summary;     /* of the list in `wsnap --help` */
	const char *description; /* of `wsnap NAME --help`; lines end with '\n' */
	const struct option_spec *options; /* NULL: none of its own */
	size_t options_size;               /* of the structure of values */
	enum command_needs needs;
	int failure_status; /* what every error but one of the words ends with; 0: each its own */

	/* For commands that work on several workspaces (several.h), and then take no TARGET. */
	bool takes_several;
	bool all_is_its_own;     /* `run` does --all itself … */
	bool several_is_its_own; /* … and several TARGETs and filters as well */
	size_t several_offset;   /* of the struct several in the structure of values */

	/* The long option that makes it a check in the manner of Nagios: then whatever hinders it is status 3. NULL: none. */
	const char *check_option;

	/* What else can be said of the words alone, before anything is opened; NULL: nothing. ERROR_USAGE. */
	int (*check)(const struct invocation *invocation, struct error *err);

	/* Does it and writes the result; the caller ends the output. */
	int (*run)(const struct invocation *invocation, struct error *err);
};

/* A command line, taken apart. `commands` ends with NULL. */
struct command_line {
	const struct command *const *commands;
	const struct command *command; /* NULL: none was named */
	const char **arguments;        /* behind the command's name; the texts are those of main */
	size_t argument_count;
	size_t front_count; /* of them those in front of a "--" */
	struct options_given given;
	bool is_check; /* the command's check_option is among the words */
};

#define cleanup_command_line __attribute__((cleanup(command_line_release)))

/* Set `commands`, the rest to zero. ERROR_USAGE for the first word that cannot be understood; the others
 * are read all the same, so that the output format is known. */
int command_line_parse(struct command_line *line, char *const *words, size_t count, struct error *err);
void command_line_release(struct command_line *line);

/* Opens what the command needs. Where the database may be missing, *store_error says why it is. */
int command_open(const struct command *command, const struct settings *settings, struct session *session,
		 struct error *store_error, struct error *err);

/* Writes the help of the line's command, or of wsnap. */
int command_help(const struct command_line *line, struct output *out, struct error *err);

#endif
