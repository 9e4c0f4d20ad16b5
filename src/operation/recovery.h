/*
 * Finishing what an earlier run left: it reads the saved record, looks at where the world stands,
 * and runs the same steps from there, forward or back.
 */
#ifndef WSNAP_OPERATION_RECOVERY_H
#define WSNAP_OPERATION_RECOVERY_H

#include "operation/run.h"
#include "workspace/record.h"
#include "workspace/session.h"

struct settled {
	char operation_id[ID_SIZE];
	char *what;            /* one line, NULL when there was nothing to finish */
	struct record pending; /* container_id is set when something is still pending: a network, a start */
};

void settled_release(struct settled *settled);

#define cleanup_settled __attribute__((cleanup(settled_release)))

/* Finishes the workspace's unfinished operation, if there is one. The lock must be held. 0: nothing is
 * left, or it was finished now. -1: it could not be finished; with settled->pending filled, the next
 * operation may take it over. */
int recovery_settle(struct session *session, const char *container_id, struct settled *settled, struct error *err);

/* The same for whoever begins to work on a workspace: a warning says what was finished, and the error says that something
 * is unfinished. */
int recovery_settle_first(struct session *session, const char *container_id, struct error *err);

/* The same for whoever can do without: what could not be finished is a warning, too. */
void recovery_settle_if_possible(struct session *session, const char *container_id);

/* The warning. */
void recovery_tell_settled(const char *container_id, const struct settled *settled);

#endif
