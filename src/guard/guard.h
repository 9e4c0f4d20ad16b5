/*
 * A command with a way back: a version is taken, the command runs on this host, and if it fails the workspace is brought
 * back. The workspace's lock is not held while it runs; a mark keeps the version from retention, and dies with us.
 */
#ifndef WSNAP_GUARD_GUARD_H
#define WSNAP_GUARD_GUARD_H

#include "operation/operation.h"

/* What a shell says of a command that could not be had to begin with. */
#define GUARD_STATUS_FAILED 125

enum guard_way { GUARD_NOTHING, GUARD_ROLLBACK, GUARD_RESTORE };

struct guard_request {
	struct operation_request version;
	const char *const *command; /* ended by NULL */
	enum guard_way on_failure;
};

struct guard_result {
	int status;      /* what the command ended with, as a shell says it */
	int32_t version; /* that was taken */
	bool was_back;   /* the workspace was brought back */
	int32_t saved;   /* the state before that, 0: there was nothing to save */
};

/*
 * Runs it. -1: there is no version and the command was not run, or the way back failed: *err says which. What keeps the
 * command from being run is in *not_run (its status is 126 or 127 then). The session is closed while the command runs.
 */
int guard_run(struct session *session, const struct guard_request *request, struct guard_result *result,
	      struct error *not_run, struct error *err);

#endif
