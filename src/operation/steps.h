/*
 * The steps of an operation, in their order. Each looks at the world and acts only if its
 * result is not there yet, so that the table can be run again from a saved record at any time.
 */
#ifndef WSNAP_OPERATION_STEPS_H
#define WSNAP_OPERATION_STEPS_H

#include "operation/run.h"

/* What a failure of the step means. */
enum step_phase {
	PHASE_BEFORE, /* the workspace still runs: everything is taken back */
	PHASE_DOWN,   /* it is down by our hand */
	PHASE_UP,     /* it is back; what is left is bookkeeping */
};

struct step {
	const char *name;
	enum step_phase phase;
	int (*run)(struct run *run, struct error *err);
};

extern const struct step steps[];
extern const size_t step_count;

/* step_bracket.c: record, lease and the restart monitor around it all */
int step_journal(struct run *run, struct error *err);
int step_lease(struct run *run, struct error *err);
int step_hold(struct run *run, struct error *err);
int step_announce(struct run *run, struct error *err);
int step_unhold(struct run *run, struct error *err);
int step_release(struct run *run, struct error *err);

/* step_task.c */
int step_detach(struct run *run, struct error *err);
int step_stop(struct run *run, struct error *err);
int step_start(struct run *run, struct error *err);

/* step_snapshot.c */
int step_commit(struct run *run, struct error *err);
int step_prepare(struct run *run, struct error *err);
int step_repoint(struct run *run, struct error *err);
int step_sync(struct run *run, struct error *err);

/* step_merge.c */
int step_merge(struct run *run, struct error *err);
int step_top(struct run *run, struct error *err);

/* step_record.c */
int step_record(struct run *run, struct error *err);
int step_label(struct run *run, struct error *err);

#endif
