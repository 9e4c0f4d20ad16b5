/*
 * One operation on one workspace: create, version, rollback or compact, from the check of its
 * arguments to the released lock. The steps stand in steps.c, what is decided before the
 * stop in plan.c, what happens when a step fails in drive.c, and what an earlier run
 * left in recovery.c.
 */
#ifndef WSNAP_WORKSPACE_OPERATION_H
#define WSNAP_WORKSPACE_OPERATION_H

#include <stdint.h>

#include "base/id.h"
#include "workspace/session.h"
#include "workspace/target.h"

enum operation_kind { OPERATION_CREATE, OPERATION_VERSION, OPERATION_ROLLBACK, OPERATION_COMPACT };

struct operation_request {
	enum operation_kind kind;
	const char *target;       /* as the user typed it */
	const char *display_name; /* create: as typed, NULL for none */
	const char *source;       /* create: as typed, NULL: "manual" */
	const char *version;      /* rollback: as typed */
	bool if_changed;          /* create, version */
	bool no_save;             /* rollback */
};

struct operation_step {
	const char *name; /* static */
	double ms;
};

#define OPERATION_MAX_STEPS 32

struct operation_result {
	char operation_id[ID_SIZE];
	char *container_id;

	/* the version that was saved; version 0 when none was (unchanged rollback, compact). With
	 * --if-changed and no change: the newest version that still stands, and `unchanged`. */
	int32_t version;
	char version_id[ID_SIZE];
	char *display_name; /* NULL: none */
	char *runtime_name;
	char *snapshotter;
	char *source;
	int64_t created_ns;
	bool unchanged;

	int32_t rolled_back_to; /* rollback */
	int layers_merged;      /* compact: how many layers became one; 0: there was nothing to merge */

	double downtime_ms; /* 0 when the workspace did not run */
	struct operation_step steps[OPERATION_MAX_STEPS];
	size_t step_count;

	char **unsaved_mounts; /* destinations of writable bind mounts: not part of a version */
	size_t unsaved_mount_count;
};

/* Looks at the words of the request alone, before anything is opened: ERROR_USAGE. */
int operation_check(const struct operation_request *request, struct error *err);

/*
 * Runs it. 0: done and durable; then *result says what. ERROR_INCOMPLETE fills *result too as far as it is known.
 * Finishes what an earlier run left on this workspace first. Blocks up to settings->wait_s for the lock.
 */
int operation_run(struct session *session, const struct operation_request *request,
		  struct operation_result *result, struct error *err);
void operation_result_release(struct operation_result *result);

#define cleanup_operation_result __attribute__((cleanup(operation_result_release)))

/* What recovery did with one interrupted operation or pruning. */
struct recovered {
	char operation_id[ID_SIZE]; /* "" where there is none to tell */
	char *container_id;
	char *what;      /* one line: "version 7 was completed", "was undone, nothing was saved", … */
	int failed;      /* 0, or the exit status of why it could not be finished; then `what` says it */
};

/*
 * Finishes operations and prunings that were interrupted: of one container, or with NULL of all in this namespace that
 * no other run is at (settings->wait_s is waited for that). `each` is called for every one that was found. 0 when all
 * are finished; else the first failure, after all were tried. Without a database (session->store is NULL) containers
 * are brought back all the same; a pruning that waits for it is ERROR_DATABASE.
 */
typedef int (*recovered_each)(const struct recovered *recovered, void *context, struct error *err);
int operation_recover(struct session *session, const char *container_id, recovered_each each, void *context,
		      struct error *err);

/* For commands that only read: resolves the word (as target_resolve() does), and finishes what an earlier run left on
 * the workspace if nobody else is at it; what cannot be finished is a warning. The target is as it stands behind that. */
int operation_find_target(struct session *session, const char *word, bool must_exist, struct target *target,
			  struct error *err);

/* Only finishes, where there is no database for what was asked: no workspace stays down because of that. */
void operation_bring_back(struct session *session, const char *word);

#endif
