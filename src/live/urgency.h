/*
 * How soon this thread gets a processor. As long as the workspace stands still for it, it must not wait behind what else is at
 * work on the host; and whoever calls wsnap with a low priority (nice(1), cron) does not want the workspace to stand still for
 * longer. sched(7), sched_setattr(2).
 */
#ifndef WSNAP_LIVE_URGENCY_H
#define WSNAP_LIVE_URGENCY_H

#include <stdbool.h>

struct urgency {
	bool raised;
	unsigned policy;
	int nice;
};

/* As much as a process without a deadline can have; threads that it starts have it too. Where that is not allowed, or it has a
 * real-time policy already, nothing happens. */
void urgency_begin(struct urgency *urgency);

/* As before. */
void urgency_end(struct urgency *urgency);

#endif
