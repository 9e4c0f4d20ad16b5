/* Finishes what was interrupted: operations and prunings, of one workspace or of all. */
#ifndef WSNAP_RECOVER_RECOVER_H
#define WSNAP_RECOVER_RECOVER_H

#include "base/id.h"
#include "base/names_set.h"
#include "workspace/session.h"

/* What recovery did with one interrupted operation or pruning. */
struct recovered {
	char operation_id[ID_SIZE]; /* "" where there is none to tell */
	char *container_id;
	char *what; /* one line: "version 7 was completed", "was undone, nothing was saved", … */
	int failed; /* 0, or the exit status of why it could not be finished; then `what` says it */
};

struct recover_request {
	const char *container_id; /* NULL: all of this namespace */
	bool break_lock;          /* with a container: by the operator's word its lock is taken from whoever had it */
};

/*
 * Finishes operations and prunings that were interrupted: of one container, or of all in this namespace that
 * no other run is at (settings->wait_s is waited for that). `each` is called for every one that was found. 0 when all
 * are finished; else the first failure, after all were tried. Without a database (session->store is NULL) containers
 * are brought back all the same; a pruning that waits for it is ERROR_DATABASE.
 */
typedef int (*recovered_each)(const struct recovered *recovered, void *context, struct error *err);
int recover_workspaces(struct session *session, const struct recover_request *request, recovered_each each,
		       void *context, struct error *err);

/* Finishes forks of this namespace that a run has left and nobody is at; what it does, or cannot do, is a warning. For
 * commands that work on a workspace, before they do. */
void recover_left_forks(struct session *session);

/* Adds the namespaces in which something may wait to be finished: those of containerd, and of our own records. */
int recover_namespaces(struct session *session, struct names_set *namespaces, struct error *err);

#endif
