/*
 * A command on this host, run as a shell would run it: with our streams and our terminal, our signals passed on to it. The
 * terminal is handed over where we have it: Ctrl-C and Ctrl-Z are then the command's, and when it stops, we stop.
 */
#ifndef WSNAP_GUARD_CHILD_H
#define WSNAP_GUARD_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct child {
	sigset_t before; /* the signals that were blocked before child_hold() */
	pid_t pid;
	int terminal; /* -1: we do not have it */
	bool started;
};

/* From now on signals that would end us, or that are to be passed on, wait. */
void child_hold(struct child *child);

/* One that has come so far and asks us to end, 0 for none; it is taken. */
int child_signal(const struct child *child);

/* Runs the words (ended by NULL) to their end; *status is that of a shell: the exit status, 126 where it cannot be run,
 * 127 where it cannot be found (*err says so, the result is -1 then), 128 and the signal that ended it. */
int child_run(struct child *child, const char *const *words, int *status, struct error *err);

#endif
