/*
 * One error value for every function that can fail.
 *
 * A function that can fail takes `struct error *err` last and returns 0 or -1
 * (or a pointer or NULL). It fills *err where the failure happens; callers may
 * put their own words in front with error_wrap() on the way up. Only main.c
 * prints it, and turns its kind into the exit status.
 *
 * The value owns no memory: it may be declared zeroed, copied and dropped.
 * A message is one line of UTF-8, lower case, the subject in single quotes,
 * without a full stop; control characters of foreign text are replaced.
 */
#ifndef WSNAP_BASE_ERROR_H
#define WSNAP_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* The numbers are the exit statuses of the program. */
enum error_kind {
	ERROR_NONE = 0,
	ERROR_FAILED = 1,     /* failed; the workspace is as it was */
	ERROR_USAGE = 2,      /* bad option, argument or configuration */
	ERROR_NOT_FOUND = 3,  /* no such container, bot or version */
	ERROR_BUSY = 4,       /* another run holds the workspace */
	ERROR_CONTAINERD = 5, /* containerd cannot be reached */
	ERROR_DATABASE = 6,   /* the database cannot be reached, refuses us, has no schema */
	ERROR_INCOMPLETE = 7, /* something is saved, `wsnap recover` does the rest */
	ERROR_REFUSED = 8,    /* refused for safety; an option insists */
};

struct error {
	enum error_kind kind;
	int number; /* the errno value that the message ends with; 0: with none */
	char message[2048];
	char hint[512];
};

/* Sets kind and message, drops number and hint. Always returns -1, so that a failing
 * line reads `return error_set(err, …)`. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Like error_set, with ": " and the words of errno value `number` behind. */
int error_errno(struct error *err, enum error_kind kind, int number, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "<text>: " in front of the message; kind, number and hint stay. Returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sets the hint: what the user does next. Returns -1. */
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERROR_FAILED "out of memory". Returns -1. */
int error_memory(struct error *err);

void error_clear(struct error *err);

/* Clears an error of that kind and returns true; leaves any other alone and returns false. For failures of one kind that
 * are none to the caller, as where what is to be removed is gone already. */
bool error_forgive(struct error *err, enum error_kind kind);

/* Of several things that are all tried, whichever fail: the first failure, and how many there were. Starts zeroed. */
struct failures {
	struct error first;
	size_t count;
};

/* Counts a failure and keeps the first; one of kind ERROR_NONE is none. True when it was the first. */
bool failures_note(struct failures *failures, const struct error *failure);

/* 0 where nothing has failed; otherwise -1, and *err is the first failure. */
int failures_first(const struct failures *failures, struct error *err);

/* The `error.code` of JSON for a kind: "failed", "usage", "not_found", … Static. */
const char *error_code(enum error_kind kind);

#endif
