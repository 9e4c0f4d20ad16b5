/*
 * Options as data. One table says everything about an option: how it stands on
 * the command line, which environment variable and which key of the
 * configuration file mean the same, its default, its help and where its value goes. Parsing,
 * `--help`, the environment and the configuration file all read that table.
 */
#ifndef WSNAP_BASE_OPTIONS_H
#define WSNAP_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

enum option_type {
	OPTION_END,    /* behind the last one of a table */
	OPTION_FLAG,   /* bool; takes no argument */
	OPTION_TEXT,   /* char *, a copy that options_release() frees; "" sets NULL unless `check` refuses it */
	OPTION_NUMBER, /* int or unsigned, in minimum…maximum */
	OPTION_OTHER,  /* whatever `set` makes of the text */
	OPTION_IGNORED /* known, and not looked at: something else overrules it */
};

/* The longest value of an option, bytes. */
#define OPTION_VALUE_LIMIT 4096

struct option_spec {
	enum option_type type;
	char letter;             /* "-x"; 0: none */
	bool secret;             /* the value must not appear in a message */
	const char *name;        /* "--name"; NULL: only a key of the configuration file */
	const char *argument;    /* what help calls the argument; NULL for a flag */
	const char *environment; /* NULL: none */
	const char *key;         /* of the configuration file; NULL: none */
	const char *otherwise;   /* the default as one would type it; NULL: zero */
	const char *help;
	size_t offset;                                                /* of the value in the structure of values */
	int minimum, maximum;                                         /* OPTION_NUMBER */
	int (*check)(const char *text, struct error *err);            /* OPTION_TEXT; NULL: anything */
	int (*set)(const char *text, void *field, struct error *err); /* OPTION_OTHER */
};

/* An option that was given on the command line, with its text (NULL for a flag). */
struct option_given {
	const struct option_spec *spec;
	const char *text;
};

/* All of them, in their order. */
struct options_given {
	struct option_given *items;
	size_t count;
};

void options_given_release(struct options_given *given);

/* A walk along the words of a command line. Set `words` and `count`, the rest to zero. */
struct option_words {
	char *const *words;
	size_t count;
	size_t at;           /* the next word */
	const char *letters; /* what is left of a word like -qv */
	bool ended;          /* "--" has been seen */
};

enum option_word { OPTION_WORD_NONE, OPTION_WORD_OPTION, OPTION_WORD_ARGUMENT };

/*
 * The next thing on the command line: an option of one of the two tables (`own` may be NULL and is looked at
 * first), or an argument, whose text is then in given->text. Options may stand anywhere before "--":
 * --name VALUE, --name=VALUE, -x VALUE, -xVALUE, -xyz. ERROR_USAGE (-1) for what is no option;
 * the walk can go on after it.
 */
int options_next(struct option_words *words, const struct option_spec *own, const struct option_spec *common,
		 struct option_given *given, struct error *err);

/* Remembers one. -1: no memory. */
int options_given_add(struct options_given *given, const struct option_given *one, struct error *err);

/*
 * Puts one value into the structure at `values`. `origin` names where it came from in the message
 * ("--wait", "CNI_PATH"). ERROR_USAGE; then the value is as it was.
 */
int option_set(const struct option_spec *spec, const char *text, const char *origin, void *values, struct error *err);

/* Zeroed values → defaults. */
int options_set_defaults(const struct option_spec *table, void *values, struct error *err);

/* Sets those of `given` that belong to this table: all that can be set, even when *err tells of one that cannot. */
int options_set_given(const struct option_spec *table, const struct options_given *given, void *values,
		      struct error *err);

/* Sets those that the environment names; an empty variable counts as unset. */
int options_set_environment(const struct option_spec *table, void *values, struct error *err);

/* The option with this key of the configuration file, or NULL. */
const struct option_spec *options_find_key(const struct option_spec *table, const char *key);

/* Frees the texts in `values`. */
void options_release(const struct option_spec *table, void *values);

/* Appends one line per option that the command line knows: "  -w, --wait SECONDS   help (default 60)". */
void options_help(const struct option_spec *table, struct text *text);

/* For `check`: any text but "", which a script's empty variable makes of a value. */
int option_check_not_empty(const char *text, struct error *err);

/* A length of time by the calendar: how long a month is depends on where it ends. */
struct duration {
	int years, months, days, hours;
};

/* For `set`: a length of time as restic writes it, such as "2y6m7d12h", to a struct duration. */
int option_set_duration(const char *text, void *field, struct error *err);

#endif
