/*
 * What a failing step means for the workspace: given how far the operation has come and what failed, what now. Pure:
 * it looks at nothing, so that every cell can be tested. execute.c gathers the facts and does what is said.
 */
#ifndef WSNAP_OPERATION_VERDICT_H
#define WSNAP_OPERATION_VERDICT_H

/* What is known when a step has failed, as a set. */
enum verdict_fact {
	/* the failure */
	FACT_INCOMPLETE = 1 << 0, /* it has been judged already: the message says what is left */
	FACT_CONTAINERD = 1 << 1, /* containerd cannot be reached */
	/* the step: one phase, and what its row says of its failure */
	FACT_BEFORE = 1 << 2,
	FACT_DOWN = 1 << 3,
	FACT_UP = 1 << 4,
	FACT_FORGETS = 1 << 5,
	FACT_PENDS = 1 << 6,
	FACT_UNHELD = 1 << 7,
	/* the operation */
	FACT_BACK = 1 << 8,      /* it was turned around before */
	FACT_UNTOUCHED = 1 << 9, /* STAGE_PLANNED */
	FACT_ROLLBACK = 1 << 10,
	FACT_SAVES = 1 << 11,
	FACT_RECORDED = 1 << 12,
	FACT_MONITORED = 1 << 13, /* the restart monitor's label is, or was, taken off */
	/* the run */
	FACT_RESUMED = 1 << 14,
	FACT_STOP_SENT = 1 << 15,
	FACT_ORPHANED = 1 << 16,
	/* whether what cannot be taken back has happened; known with FACT_DOWN on the way forward alone */
	FACT_EFFECT_UNKNOWN = 1 << 17,
	FACT_EFFECT_NONE = 1 << 18,
	FACT_EFFECT_TAKEN = 1 << 19,
	FACT_USED = 1 << 20, /* a rollback: the workspace has written on the target since an earlier run started it */
};

enum verdict_action {
	VERDICT_REPORT,        /* the message says all */
	VERDICT_FORGET,        /* remove the record, if it is there: nothing has happened */
	VERDICT_TAKE_BACK,     /* lead the workspace back to the state before */
	VERDICT_GIVE_UP,       /* a rollback's target does not start: back, and say so */
	VERDICT_LEAVE_START,   /* finish the rest; the start is left to recovery */
	VERDICT_LEAVE,         /* the record stays: recovery goes on from here */
	VERDICT_LEAVE_TIDYING, /* as before, but the workspace was never touched: the message stays, with a hint */
};

struct verdict {
	unsigned when;   /* all of these facts hold */
	unsigned unless; /* none of these does */
	enum verdict_action action;
	const char *said; /* VERDICT_LEAVE: what is to be said of the workspace */
};

/* The first row that fits. Never NULL: the last row of either direction fits whatever is left. */
const struct verdict *verdict_of(unsigned facts);

/* The rows, for the test that no row is superfluous. */
extern const struct verdict verdicts[];
extern const unsigned verdict_count;

#endif
