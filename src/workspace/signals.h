/*
 * Signals that would end the run are held back while a workspace is in our hands
 * (SIGINT, SIGTERM, SIGHUP, SIGPIPE, which a closed terminal would send in the middle, and what would stop it there,
 * SIGTSTP and SIGTTOU).
 */
#ifndef WSNAP_WORKSPACE_SIGNALS_H
#define WSNAP_WORKSPACE_SIGNALS_H

#include <signal.h>

struct signals {
	sigset_t before;
	int held; /* whether they are held back */
};

/* Blocks them. */
void signals_hold(struct signals *signals);

/* Blocks SIGPIPE alone: for who has to tidy up before a closed pipe ends the run. signals_deliver() ends it then. */
void signals_hold_pipe(struct signals *signals);

/* The number of one that has arrived meanwhile and asks us to end, 0 for none. It stays pending. */
int signals_pending(void);

/* Takes what has arrived off the queue and unblocks. Returns the last signal's number, 0 for none. Where they were held
 * back already, by whoever runs several of us, they stay so, and pending. */
int signals_release(struct signals *signals);

/* The same for a run that has nothing left to do but to tell: SIGINT, SIGTERM and SIGHUP stay blocked. Whoever sends
 * one now still learns by output and exit status what was done. */
int signals_release_to_tell(struct signals *signals);

/* From the release on a closed pipe is an error of who writes to it, and no signal: for what has changed something. */
void signals_keep_pipe(struct signals *signals);

/* Unblocks and lets what has arrived have its effect: for a run that holds nothing. */
void signals_deliver(struct signals *signals);

#endif
