/*
 * Giving versions up. A version goes in three steps, each of which a later run can go on from: its snapshot
 * gets the label wsnap.given_up; its rows are deleted, with an event version_prune, in one transaction;
 * its snapshot loses containerd.io/gc.root, so that containerd collects it once nothing
 * stands on it. What is marked is finished by the next run on the workspace.
 */
#ifndef WSNAP_PRUNE_PRUNE_H
#define WSNAP_PRUNE_PRUNE_H

#include "prune/prune_result.h"
#include "workspace/session.h"

/*
 * Prunes one workspace, whose container may be gone. Blocks up to settings->wait_s for its lock, and finishes what
 * an earlier run left first. ERROR_INCOMPLETE when the rest is the next run's; then, and when single
 * versions failed, *result holds what went.
 */
int prune_run(struct session *session, const struct target_word *target, const struct prune_request *request,
	      struct prune_result *result, struct error *err);

/* The same for every workspace of this namespace that has versions here. `each` is called for each of them, with
 * `failure` NULL when all went well. After all were tried, the first failure's kind comes back. */
typedef int (*prune_each)(const struct prune_result *result, const struct error *failure, void *context,
			  struct error *err);
int prune_run_all(struct session *session, const struct prune_request *request, prune_each each, void *context,
		  struct error *err);

/*
 * Finishes what an interrupted run has marked: of one workspace, or with NULL of all in this namespace that nobody
 * else is at. Calls `finished` for each workspace with the number of its marked versions. Takes the locks itself.
 */
typedef int (*prune_finished)(const char *container_id, int count, void *context, struct error *err);
int prune_finish(struct session *session, const char *container_id, prune_finished finished, void *context,
		 struct error *err);

/* The same for one workspace whose lock is held. */
int prune_finish_locked(struct session *session, const char *container_id, struct error *err);

/* Whether a run was interrupted on the workspace: the number of its marked snapshots, -1 error. */
int prune_count_unfinished(struct session *session, const char *container_id, struct error *err);

#endif
