/* What the steps of one operation share while this process works on it. */
#ifndef WSNAP_OPERATION_RUN_H
#define WSNAP_OPERATION_RUN_H

#include "network/network.h"
#include "operation/result.h"
#include "workspace/record.h"
#include "workspace/session.h"

struct around;
struct detachment;
struct live;
struct restoring;
struct teardown;

/* What a run found of the container, when it was resumed or looked at it again (orphan.h). */
enum container_found {
	FOUND_AS_BEGUN,  /* on the snapshot that it had; a run that is not resumed has seen to that in its plan */
	FOUND_REPOINTED, /* on its new snapshot */
	FOUND_TAKEN,     /* not ours any more: somebody gave it another snapshot */
	FOUND_REMADE,    /* another container of its id */
	FOUND_GONE,
};

/* How this process's part has ended. */
enum run_ending {
	ENDING_OPEN,
	ENDING_PENDING,  /* all is recorded, but for what the record calls pending */
	ENDING_RELEASED, /* lease and record are gone: nothing is left to finish */
};

struct run {
	struct session *session;
	struct record *record;
	struct network *network;                 /* NULL: no configuration, or not ours to attach */
	struct detachment *detachment;           /* the network being detached in a thread, or NULL */
	struct teardown *teardown;               /* the old task being deleted in a thread, or NULL */
	struct live *live;                       /* a live version in the making, or NULL */
	struct restoring *restoring;             /* a change of the files in the making, or NULL */
	const struct operation_restore *restore; /* what is asked for, NULL: not a restore, or a resumed one */
	int32_t meantime_version;                /* what it had become before this run finished a restore; 0: nothing */
	bool changed;                            /* the files are changed: there is no way back */
	struct operation_result *result;         /* gathers names, versions, milliseconds */
	bool resumed;                            /* an earlier process began it */
	struct around *around;                   /* of which the hooks behind it are this one's, or NULL */
	bool is_part;                            /* of what hooks are run around: it has none of its own */
	struct run *whole; /* that this is a part of, and whose record is the journal's; or NULL */
	enum container_found found;
	enum run_ending ending;
	enum error_kind failure;    /* why this run has turned it back */
	bool stop_sent;             /* a signal to end was sent to the old task by this run */
	bool create_sent;           /* Tasks.Create was sent by this run */
	bool leaves_start;          /* what comes behind it starts it */
	bool kept_below;            /* keep_below() was done */
	int lost_leases;            /* how often its lease was gone before its end */
	bool was_down;              /* an earlier run has left its start to this one */
	bool start_left;            /* this one has tried it behind a change of its files, and leaves it to the next */
	double down_since_ms;       /* 0: not down by this run */
	struct error network_error; /* why the workspace runs without its network */
	struct error merge_error;   /* why its layers were not merged */
	struct error refusal;       /* why the database did not take its rows, which were set aside */
};

/* The container is gone, or not the one that the operation was begun with: what is saved is kept, the rest is not ours. */
static inline bool run_is_orphaned(const struct run *run)
{
	return run->found == FOUND_TAKEN || run->found == FOUND_REMADE || run->found == FOUND_GONE;
}

/*
 * Whether what the operation saves is committed: 1, 0, -1. Another's snapshot of that name is none of its: 0, and with
 * *taken (which may be NULL) true. By the label of the operation.
 */
int run_has_saved(struct run *run, bool *taken, struct error *err);

/*
 * Ends this process's part, whatever has become of the operation: threads that an early end has left behind, the
 * lease of the later calls, the network. What was done to the workspace stays.
 */
void run_end(struct run *run);

/* The same of a part, while the whole goes on. */
void run_end_part(struct run *run);

#endif
