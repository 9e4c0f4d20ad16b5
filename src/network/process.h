/*
 * Runs one program to its end under limits of time and output: its own process
 * group, nothing of ours open but the three standard streams, no signal blocked or ignored, `/` as its
 * folder. May be called from several threads at a time. Used by plugin.c alone.
 */
#ifndef WSNAP_NETWORK_PROCESS_H
#define WSNAP_NETWORK_PROCESS_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

struct process {
	const char *file;         /* absolute path; also argv[0] */
	char *const *environment; /* NULL at the end; all that it gets */
	const char *input;        /* its standard input */
	size_t output_limit;      /* bytes of standard output; over it, its group is killed */
	unsigned timeout_ms;      /* over it, its group is killed */
};

enum process_end { PROCESS_EXITED, PROCESS_SIGNALED, PROCESS_TIMED_OUT, PROCESS_TOO_MUCH };

struct process_outcome {
	enum process_end end;
	int code;               /* exit status, or the number of the signal */
	struct text output;     /* standard output */
	struct text complaints; /* standard error: its last 64 KiB at most */
};

void process_outcome_release(struct process_outcome *outcome);

#define cleanup_process_outcome __attribute__((cleanup(process_outcome_release)))

/* Blocks until the program has ended. 0 whatever its end was; -1 (ERROR_FAILED) when it could not be run. */
int process_run(const struct process *process, struct process_outcome *outcome, struct error *err);

#endif
