/*
 * The steps of an operation: one table that says their order, when each is skipped, where a resumed run begins, and
 * what a failure means. Each step looks at the world and acts only if its result is not there yet, so that the table
 * can be run again from a saved record at any time.
 *
 * To add a step: a name in step_id, a row at the same place in steps.c, its function in a step_*.c.
 */
#ifndef WSNAP_OPERATION_STEPS_H
#define WSNAP_OPERATION_STEPS_H

#include "operation/run.h"

/* In the order in which they run. */
enum step_id {
	STEP_JOURNAL,
	STEP_LEASE,
	STEP_PRE_HOOK,
	STEP_BLUEPRINT,
	STEP_COPY,
	STEP_KEEP,
	STEP_MERGE,
	STEP_HOLD,
	STEP_ANNOUNCE,
	STEP_DETACH,
	STEP_STOP,
	STEP_COMMIT,
	STEP_PREPARE,
	STEP_REPOINT,
	STEP_START,
	STEP_UNHOLD,
	STEP_SYNC,
	STEP_RECORD,
	STEP_LABEL,
	STEP_STAND,
	STEP_POST_HOOK,
	STEP_RELEASE,
	STEP_COUNT,
};

/* How the workspace is while the step runs. */
enum step_phase {
	PHASE_BEFORE, /* it still runs: everything can be taken back */
	PHASE_DOWN,   /* it is down by our hand */
	PHASE_UP,     /* it is back: what is left is bookkeeping */
};

/* When a step has nothing to do. One of its reasons is enough. */
enum step_skip {
	SKIP_RESUMED = 1,        /* an earlier process has done it: the record is what this run works from */
	SKIP_TOUCHED = 2,        /* the record says already that the workspace may be down */
	SKIP_BACK = 4,           /* on the way back */
	SKIP_REPOINTED = 8,      /* the container stood on its new snapshot when the run began */
	SKIP_UNMONITORED = 16,   /* the restart monitor does not watch it */
	SKIP_UNSAVED = 32,       /* nothing becomes a committed snapshot */
	SKIP_UNMERGED = 64,      /* no layers are merged */
	SKIP_NOTHING_TOLD = 128, /* taken back with nothing saved: nothing that the database should know */
	SKIP_NO_VERSION = 256,   /* what was saved is no version */
	SKIP_UNHOOKED = 1024,    /* no hooks were run before it */
	SKIP_LIVE = 2048,        /* the workspace goes on running: nothing is done to it */
	SKIP_STOPPED = 4096,     /* it is stopped for it */
	SKIP_UNRESTORED = 8192,  /* no files were restored */
	SKIP_REFUSED = 512,      /* the database has refused the rows, which wait on their own */
};

/* Where a run begins. Each of them stands in exactly one row. */
enum step_entry {
	ENTRY_BEGINNING = 1,    /* a new operation */
	ENTRY_FORWARD = 2,      /* resumed, what cannot be taken back has happened */
	ENTRY_BACK = 4,         /* the way back of a workspace that was touched */
	ENTRY_TIDY = 8,         /* the way back of one that was not; also behind a start that is left pending */
	ENTRY_BOOKKEEPING = 16, /* the workspace's part is done, or the workspace is not ours any more */
	ENTRY_TELL = 32,        /* not ours any more, and what was saved is no version */
	ENTRY_LET_GO = 64,      /* not ours any more, and nothing was saved */
};

/* What is particular about a failure of the step; verdict.c says what follows from it. */
enum step_failure {
	FAILURE_PLAIN,
	FAILURE_FORGETS, /* nothing has happened: a record that may be half there is removed */
	FAILURE_PENDS,   /* all the rest can be finished without it */
	FAILURE_UNHELD,  /* the restart monitor does not watch the workspace as before */
};

struct step {
	const char *name; /* in `steps` of the result */
	int (*run)(struct run *run, struct error *err);
	enum step_phase phase;
	enum step_failure failure;
	unsigned skip;    /* enum step_skip */
	unsigned entries; /* enum step_entry */
};

extern const struct step steps[STEP_COUNT];

/* The step that a run begins with. */
enum step_id step_first(enum step_entry entry);

/* Whether the step has nothing to do in this run, as its row says. */
bool step_is_skipped(const struct step *step, const struct run *run);

/* step_bracket.c: record, lease and the restart monitor around it all */
int step_journal(struct run *run, struct error *err);
int step_lease(struct run *run, struct error *err);
int step_hold(struct run *run, struct error *err);
int step_announce(struct run *run, struct error *err);
int step_unhold(struct run *run, struct error *err);
int step_release(struct run *run, struct error *err);

/* step_hook.c */
int step_pre_hook(struct run *run, struct error *err);
int step_post_hook(struct run *run, struct error *err);

/* step_copy.c */
int step_copy(struct run *run, struct error *err);

/* step_live.c: of one that runs */
int step_copy_live(struct run *run, struct error *err);
int step_keep(struct run *run, struct error *err);

/* step_blueprint.c */
int step_blueprint(struct run *run, struct error *err);

/* Once the version keeps it: where the lease that did so before was taken away, or a clock set forward has ended it, a collection
 * may have been quicker. */
int step_blueprint_again(struct run *run, struct error *err);

/* step_task.c */
int step_detach(struct run *run, struct error *err);
int step_stop(struct run *run, struct error *err);
int step_start(struct run *run, struct error *err);

/* Once all is done: a task that somebody has started meanwhile on what the workspace stood on before, by mounts that were
 * older, is started again where it belongs. What fails there is a detail. */
void step_look_again(struct run *run);

/* The same as step_start on another snapshot than the operation's, which the record does not learn of: it is not the operation's. */
int step_start_on(struct run *run, const char *key, struct error *err);

/* step_snapshot.c */
int step_commit(struct run *run, struct error *err);
int step_prepare(struct run *run, struct error *err);
int step_repoint(struct run *run, struct error *err);
int step_sync(struct run *run, struct error *err);

/* step_merge.c */
int step_merge(struct run *run, struct error *err);

/* What was merged is not used: the layer is back in its place, the record says so. */
int merge_give_up(struct run *run, struct error *err);

/* step_record.c */
int step_record(struct run *run, struct error *err);
int step_label(struct run *run, struct error *err);

/* step_restore.c */
int step_stand(struct run *run, struct error *err);

#endif
