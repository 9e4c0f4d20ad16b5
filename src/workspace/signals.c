#include "workspace/signals.h"

#include <stdbool.h>
#include <time.h>

static const int held_back[] = { SIGINT, SIGTERM, SIGHUP };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(held_back) / sizeof(*held_back); i++)
		sigaddset(set, held_back[i]);
}

/* What a closed terminal, Ctrl-Z and a terminal of another group send: none of these may stop us in the middle. */
static void add_stops(sigset_t *set)
{
	sigaddset(set, SIGPIPE);
	sigaddset(set, SIGTSTP);
	sigaddset(set, SIGTTOU);
}

void signals_hold(struct signals *signals)
{
	sigset_t set;

	fill(&set);
	add_stops(&set);
	signals->held = pthread_sigmask(SIG_BLOCK, &set, &signals->before) == 0;
}

void signals_hold_pipe(struct signals *signals)
{
	sigset_t pipe;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	signals->held = pthread_sigmask(SIG_BLOCK, &pipe, &signals->before) == 0;
}

int signals_pending(void)
{
	sigset_t pending;

	sigpending(&pending);
	for (size_t i = 0; i < sizeof(held_back) / sizeof(*held_back); i++)
		if (sigismember(&pending, held_back[i]) == 1)
			return held_back[i];
	return 0;
}

static int take_pending(const sigset_t *set)
{
	static const struct timespec at_once = { 0 };
	int signal, last = 0;

	while ((signal = sigtimedwait(set, NULL, &at_once)) > 0)
		last = signal;
	return last;
}

/* An outer holder has blocked them already: it learns of them, and decides what ends. */
static bool is_nested(const struct signals *signals)
{
	return sigismember(&signals->before, held_back[0]) == 1;
}

int signals_release_to_tell(struct signals *signals)
{
	sigset_t set, pipe, now;

	if (!signals->held)
		return 0;
	if (is_nested(signals)) {
		pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
		signals->held = 0;
		return signals_pending();
	}
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	take_pending(&pipe);
	now = signals->before;
	fill(&set);
	sigorset(&now, &now, &set);
	pthread_sigmask(SIG_SETMASK, &now, NULL);
	return take_pending(&set);
}

int signals_release(struct signals *signals)
{
	int last = signals_release_to_tell(signals);

	if (signals->held)
		pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
	signals->held = 0;
	return last;
}

void signals_deliver(struct signals *signals)
{
	if (signals->held)
		sigprocmask(SIG_SETMASK, &signals->before, NULL);
	signals->held = 0;
}

void signals_keep_pipe(struct signals *signals)
{
	sigaddset(&signals->before, SIGPIPE);
}
