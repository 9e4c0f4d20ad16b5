/* What an operation is planned from: what is asked for, and what containerd says of the workspace. */
#ifndef WSNAP_OPERATION_FINDINGS_H
#define WSNAP_OPERATION_FINDINGS_H

#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/plan_restore.h"
#include "operation/result.h"
#include "task/spec.h"
#include "workspace/location.h"
#include "workspace/record.h"
#include "workspace/session.h"

struct around;

/* What an operation needs to be planned, beside its arguments. */
struct plan {
	struct session *session;
	const struct operation_request *request;
	const char *container_id;
	const char *bot_id;
	const struct record *pending; /* an unfinished operation that this one takes over, or NULL */
	const char *operation_id;     /* NULL: a new one */
	struct around *around;        /* the hooks before it were run so: those behind it are this one's; or NULL */
	struct saved_before saved;    /* for a restore */
	struct record *left; /* its start is left to what comes behind it, which gets its record; NULL: it is started */
	bool is_part;        /* of what hooks are run around */
};

struct findings {
	struct ctr_container container;
	struct ctr_snapshot active; /* what the container points at */
	struct location location;   /* of that */
	struct spec spec;
	struct ctr_task task;
};

/*
 * Fills *findings, which the caller releases also after an error. ERROR_FAILED where there is no active snapshot to save
 * or its layer is gone, ERROR_REFUSED where another container shares it or the task runs on another.
 */
int findings_find(struct session *session, const char *container_id, struct findings *findings, struct error *err);

void findings_release(struct findings *findings);
#define cleanup_findings __attribute__((cleanup(findings_release)))

#endif
