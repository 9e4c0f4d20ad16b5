/*
 * Giving versions up. A version goes in three steps, each of which a later run can go on from: its snapshot
 * gets the label wsnap.given_up; its rows are deleted, with an event version_prune, in one transaction;
 * its snapshot loses containerd.io/gc.root, so that containerd collects it once nothing
 * stands on it. What is marked is finished by the next run on the workspace.
 */
#ifndef WSNAP_PRUNE_PRUNE_H
#define WSNAP_PRUNE_PRUNE_H

#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "workspace/session.h"

struct prune_request {
	struct keep_rules keep;
	bool named;   /* versions with a display name may go as well */
	bool dry_run; /* decide and foresee, change nothing */

	/* The whole history goes, and nothing else of this request but dry_run counts. The container, its row and its bot
	 * may be gone. */
	bool all;

	/* VERSION words; with any of them, these versions go and the rules do not count */
	const char *const *versions;
	size_t version_count;
};

struct pruned_version {
	int32_t version;
	char *display_name; /* NULL: none */
	char *runtime_name;
	int64_t freed_bytes;
	bool held;       /* something stands on its layer: … */
	int32_t held_by; /* … this version, or, 0, the workspace alone */
	bool missing;    /* containerd did not have its snapshot */
	char *left;      /* a folder that containerd could not remove with it; NULL: none */
};

struct prune_result {
	char *container_id;
	int32_t *kept; /* numbers, ascending */
	size_t kept_count;
	struct pruned_version *removed; /* ascending; with dry_run what would go */
	size_t removed_count;
	int64_t freed_bytes; /* of these and of layers that were kept for them alone */
};

void prune_result_release(struct prune_result *result);

#define cleanup_prune_result __attribute__((cleanup(prune_result_release)))

/*
 * Prunes one workspace, whose container may be gone. Blocks up to settings->wait_s for its lock, and finishes what
 * an earlier run left first. ERROR_INCOMPLETE when the rest is the next run's; then, and when single
 * versions failed, *result holds what went.
 */
int prune_run(struct session *session, const char *target, const struct prune_request *request,
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
