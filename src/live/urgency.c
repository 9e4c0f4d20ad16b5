#include "live/urgency.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIGHEST (-20)

static bool set(unsigned policy, int nice)
{
	struct sched_attr attr = { .size = sizeof(attr), .sched_policy = policy, .sched_nice = nice };

	return syscall(SYS_sched_setattr, 0, &attr, 0) == 0;
}

static bool is_timeshared(unsigned policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_IDLE;
}

void urgency_begin(struct urgency *urgency)
{
	struct sched_attr attr = { .size = sizeof(attr) };

	if (urgency->raised || syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0 ||
	    !is_timeshared(attr.sched_policy))
		return;
	*urgency = (struct urgency){ .policy = attr.sched_policy, .nice = attr.sched_nice };
	urgency->raised = set(SCHED_NORMAL, HIGHEST);
}

void urgency_end(struct urgency *urgency)
{
	if (urgency->raised)
		set(SCHED_NORMAL,
		    urgency->nice); /* SCHED_IDLE would not take it (fair_policy() in kernel/sched/sched.h) */
	if (urgency->raised && urgency->policy != SCHED_NORMAL)
		set(urgency->policy, urgency->nice);
	urgency->raised = false;
}
