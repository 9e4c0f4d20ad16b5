/*
 * A small process that thaws the workspace whatever becomes of wsnap: when the time is over, or as soon as wsnap is
 * gone. It holds nothing but the control group's file, the sign that says so, one end of a pair of sockets, and what a duty needs.
 *
 * With a duty there is a moment from which on the workspace must not run before something is finished: guard_commit().
 * Then no time is over any more, and when wsnap is gone the guard finishes that itself before it thaws. Both decide it in
 * memory that they share, so that it is either committed or given up, whoever is killed or stopped in between.
 */
#ifndef WSNAP_LIVE_GUARD_H
#define WSNAP_LIVE_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "live/freezer.h"

struct guard_page;

struct guard {
	pid_t pid;
	int line;
	double until_ms; /* when it thaws, of clock_monotonic_ms(); 0: it was not armed */
	struct guard_page *page;
};

#define GUARD_NONE         \
	(struct guard)     \
	{                  \
		.line = -1 \
	}
#define cleanup_guard __attribute__((cleanup(guard_end)))

#define GUARD_MOST_KEPT 8
/* How long a change that has to be finished waits for processes in long system calls. */
#define GUARD_FREEZE_MS 60000

struct guard_duty {
	int (*finish)(void *context);  /* -1: it could not be finished, and the workspace stays frozen */
	int (*settle)(void *context);  /* once it is finished, and thawed */
	int (*give_up)(void *context); /* behind the thaw, where it was not committed in time, or wsnap is gone */
	void *context;
	int kept[GUARD_MOST_KEPT]; /* descriptors that it needs; -1 where there is none */
	bool stays_frozen;         /* somebody else has frozen it */
	bool committed; /* an earlier run has begun it: from the first order on it thaws only once all is finished */
};

/* `duty` NULL: there is none. With one, this process must have no other threads yet: the guard uses the library. */
int guard_begin(struct guard *guard, const struct freezer *freezer, const struct guard_duty *duty, struct error *err);

/* Before each freeze: from now on it thaws after `max_ms`. */
int guard_arm(struct guard *guard, unsigned max_ms, struct error *err);

/* Frozen, and armed where its time is limited: from now on it thaws only once all is finished. ERROR_FAILED where it is gone,
 * does not answer within `wait_ms`, or the time was over: then nothing is to be begun. */
int guard_commit(struct guard *guard, unsigned wait_ms, struct error *err);

/* This process cannot finish it: the guard tries. Waits for its end; 0: it is finished, and thawed. */
int guard_take_over(struct guard *guard, struct error *err);

/* Somebody else has frozen it: from now on it is never thawed, as with `stays_frozen`. */
void guard_leave_frozen(struct guard *guard);

/* After each thaw. */
int guard_disarm(struct guard *guard, struct error *err);

/* Whether it had to thaw. Asked after the last look at the frozen workspace: false says that all of it was frozen. */
bool guard_has_thawed(const struct guard *guard);

void guard_end(struct guard *guard);

#endif
