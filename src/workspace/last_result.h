/*
 * How the last operation on a workspace ended, for whoever watches: a small file in the state directory,
 * NAMESPACE~CONTAINER.result. It is no promise: nothing depends on it, and it is not synced.
 */
#ifndef WSNAP_WORKSPACE_LAST_RESULT_H
#define WSNAP_WORKSPACE_LAST_RESULT_H

#include "workspace/session.h"

struct last_result {
	char *what; /* "version", … */
	int64_t at_ns;
	int exit_status;
	char *message; /* NULL: it was done */
};

void last_result_release(struct last_result *result);

#define cleanup_last_result __attribute__((cleanup(last_result_release)))

/* Notes how an operation ended; failure->kind ERROR_NONE: it was done. What fails here stops nothing. */
void last_result_note(struct session *session, const char *container_id, const char *what, const struct error *failure);

/* 1 with *result, 0: nothing is known. */
int last_result_read(struct session *session, const char *container_id, struct last_result *result);

#endif
