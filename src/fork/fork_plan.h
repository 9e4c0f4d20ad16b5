/* What is decided before anything of a fork is made. */
#ifndef WSNAP_FORK_FORK_PLAN_H
#define WSNAP_FORK_FORK_PLAN_H

#include "ctr/containers.h"
#include "fork/fork_request.h"
#include "network/network.h"
#include "store/versions.h"
#include "workspace/record.h"
#include "workspace/session.h"
#include "workspace/target.h"

/* What network a fork is started with, as its lease says it. */
#define FORK_START_ALONE "none"      /* whatever there is, it gets none of ours */
#define FORK_START_AS_EVER "auto"    /* as any container that was never attached */
#define FORK_START_ATTACHED "attach" /* one of its own, since its origin has one */

struct fork_plan {
	struct session *session;
	const struct fork_request *request;
	struct target origin;
	struct store_version row;       /* the origin's version */
	struct ctr_container container; /* as it will be */
	struct record record;           /* its names and labels, and how it is started */
	struct network *network;        /* NULL: it has none of ours */
	const char *start;              /* FORK_START_…; NULL: it is not to be started */
};

/* Looks at everything, and changes nothing. */
int fork_plan_make(struct fork_plan *plan, struct error *err);

/* Makes the container the fork's own: id, labels and spec. The files that its spec names are written: under the lease. */
int fork_plan_adapt(struct fork_plan *plan, struct error *err);

/* The same as far as it needs no version: the present of the container stands for the one that is still to be taken. */
int fork_plan_foresee(struct fork_plan *plan, struct error *err);

void fork_plan_release(struct fork_plan *plan);

#define cleanup_fork_plan __attribute__((cleanup(fork_plan_release)))

/* Adds the labels that say what it came from. */
int fork_plan_add_origin(const struct fork_plan *plan, struct labels *labels, struct error *err);

#endif
