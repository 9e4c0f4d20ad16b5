/*
 * Runs one program to its end under limits of time and output: its own process
 * group, nothing of ours open but the three standard streams, no signal blocked or ignored, `/` as its
 * folder. May be called from several threads at a time.
 */
#ifndef WSNAP_BASE_PROGRAM_H
#define WSNAP_BASE_PROGRAM_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

struct program {
	const char *file;         /* absolute path; also argv[0] */
	char *const *environment; /* NULL at the end; all that it gets */
	const char *input;        /* its standard input */
	size_t output_limit;      /* bytes of standard output; over it, its group is killed */
	unsigned timeout_ms;      /* over it, its group is killed */
};

enum program_end { PROGRAM_EXITED, PROGRAM_SIGNALED, PROGRAM_TIMED_OUT, PROGRAM_TOO_MUCH };

struct program_outcome {
	enum program_end end;
	int code;               /* exit status, or the number of the signal */
	struct text output;     /* standard output */
	struct text complaints; /* standard error: its last 64 KiB at most */
};

void program_outcome_release(struct program_outcome *outcome);

#define cleanup_program_outcome __attribute__((cleanup(program_outcome_release)))

/* Blocks until the program has ended. 0 whatever its end was; -1 (ERROR_FAILED) when it could not be run. */
int program_run(const struct program *program, struct program_outcome *outcome, struct error *err);

#endif
