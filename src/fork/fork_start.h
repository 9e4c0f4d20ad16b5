/* The first task of a fork. */
#ifndef WSNAP_FORK_FORK_START_H
#define WSNAP_FORK_FORK_START_H

#include "fork/fork_plan.h"

/* Whether it gets a network of its own, and which: those that the origin's kind of container gets. */
int fork_start_plan(struct fork_plan *plan, struct error *err);

/* Creates and starts its task, network attached before its process runs. On an error there is none. */
int fork_start(struct fork_plan *plan, struct error *err);

#endif
