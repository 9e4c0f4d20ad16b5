/* What the steps of one operation share while this process works on it. */
#ifndef WSNAP_OPERATION_RUN_H
#define WSNAP_OPERATION_RUN_H

#include "network/network.h"
#include "operation/operation.h"
#include "workspace/record.h"
#include "workspace/session.h"

struct detachment;
struct teardown;

struct run {
	struct session *session;
	struct record *record;
	struct network *network;         /* NULL: no configuration, or not ours to attach */
	struct detachment *detachment;   /* the network being detached in a thread, or NULL */
	struct teardown *teardown;       /* the old task being deleted in a thread, or NULL */
	struct operation_result *result; /* gathers names, versions, milliseconds */
	bool resumed;                    /* an earlier process began it */
	bool released;                   /* lease and record are gone: nothing is left to finish */
	bool only_pending;               /* all is recorded, but for what the record calls pending */
	bool is_there;                   /* a container of this id was found when it was resumed */
	bool orphaned;                   /* the container is gone, or not the one it was begun with */
	bool repointed;                  /* the container stood on its new snapshot when it was resumed */
	bool stop_sent;                  /* a signal to end was sent to the old task by this run */
	bool create_sent;                /* Tasks.Create was sent by this run */
	bool top_tried;                  /* this run has begun to fill the layer `top` */
	double down_since_ms;            /* 0: not down by this run */
	struct error network_error;      /* why the workspace runs without its network */
	struct error merge_error;        /* why its layers were not merged */
	struct error refusal;            /* why the database did not take its rows, which were set aside */
};

/*
 * Ends this process's part, whatever has become of the operation: threads that an early end has left behind, the
 * lease of the later calls, the network. What was done to the workspace stays.
 */
void run_end(struct run *run);

#endif
