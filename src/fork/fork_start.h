/* The first task of a fork. */
#ifndef WSNAP_FORK_FORK_START_H
#define WSNAP_FORK_FORK_START_H

#include "fork/fork_plan.h"

/* Whether it is to be started, and whether it gets a network of its own: as the origin's kind of container does. Before its
 * record is made the fork's own. */
int fork_start_decide(struct fork_plan *plan, struct error *err);

/* With which attachment, and whether what its spec names is there. */
int fork_start_plan(struct fork_plan *plan, struct error *err);

/* Creates and starts its task, network attached before its process runs. On an error there is none. */
int fork_start(struct fork_plan *plan, struct error *err);

/* The same for one whose run was cut off after its container was made, `start` being what its lease says. One that has a
 * process, or had one, is left alone. */
int fork_start_late(struct session *session, const struct ctr_container *container, const char *start,
		    struct error *err);

#endif
