/* Does what policies ask for, where it is due. */
#ifndef WSNAP_POLICY_DUE_H
#define WSNAP_POLICY_DUE_H

#include "policy/policy.h"
#include "prune/prune.h"
#include "workspace/session.h"

/* What was done for one workspace. */
struct policy_done {
	const char *container_id;
	const char *policy;  /* its name; NULL: its label names none that exists */
	bool due;            /* else nothing was done */
	int version;         /* that was saved; 0: none */
	bool unchanged;      /* nothing had changed, so nothing was saved */
	int pruned;          /* versions that were given up by the rules … */
	int pruned_for_room; /* … and before that, by tighter ones, since too little was free */
	int64_t freed_bytes; /* by both */
};

/* Called for each workspace that has a policy, by container id; `failure` is NULL when all went well. */
typedef int (*policy_each)(const struct policy_done *done, const struct error *failure, void *context,
			   struct error *err);

/*
 * Goes once through all containers of the namespace. A workspace is due when its newest version (or the last finding
 * that nothing had changed) is as old as its policy says, or it has none: what was missed is made up for once. One that
 * fails does not stop the others; the first failure's kind comes back. With `dry_run` it only says what is due.
 */
int policies_do_due(struct session *session, const struct policies *policies, bool dry_run, policy_each each,
		    void *context, struct error *err);

#endif
