/*
 * A small process that thaws the workspace whatever becomes of wsnap: when the time is over, or as soon as wsnap is
 * gone. It holds nothing but the control group's file and one end of a pair of sockets.
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
	struct guard_page *page;
};

#define GUARD_NONE         \
	(struct guard)     \
	{                  \
		.line = -1 \
	}
#define cleanup_guard __attribute__((cleanup(guard_end)))

int guard_begin(struct guard *guard, const struct freezer *freezer, struct error *err);

/* Before each freeze: from now on it thaws after `max_ms`. */
int guard_arm(struct guard *guard, unsigned max_ms, struct error *err);

/* After each thaw. */
int guard_disarm(struct guard *guard, struct error *err);

/* Whether it had to thaw. Asked after the last look at the frozen workspace: false says that all of it was frozen. */
bool guard_has_thawed(const struct guard *guard);

void guard_end(struct guard *guard);

#endif
