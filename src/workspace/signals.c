#include "workspace/signals.h"

#include <time.h>

static const int held_back[] = { SIGINT, SIGTERM, SIGHUP };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(held_back) / sizeof(*held_back); i++)
		sigaddset(set, held_back[i]);
}

void signals_hold(struct signals *signals)
{
	sigset_t set;

	fill(&set);
	sigaddset(&set, SIGPIPE);
	signals->held = sigprocmask(SIG_BLOCK, &set, &signals->before) == 0;
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

int signals_release(struct signals *signals)
{
	static const struct timespec at_once = { 0 };
	int signal, last = 0;
	sigset_t set;

	if (!signals->held)
		return 0;
	fill(&set);
	while ((signal = sigtimedwait(&set, NULL, &at_once)) > 0)
		last = signal;
	sigaddset(&set, SIGPIPE);
	while (sigtimedwait(&set, NULL, &at_once) > 0)
		;
	sigprocmask(SIG_SETMASK, &signals->before, NULL);
	signals->held = 0;
	return last;
}
