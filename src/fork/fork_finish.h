/* What is left to do for a fork once its container is there, by this run or by a later one. */
#ifndef WSNAP_FORK_FORK_FINISH_H
#define WSNAP_FORK_FORK_FINISH_H

#include "ctr/containers.h"
#include "ctr/leases.h"
#include "workspace/label_keys.h"
#include "workspace/session.h"

/* What the lease of a fork says of it. */
struct fork_lease {
	const char *id;
	const char *operation_id;
	const char *container_id;
	const char *snapshotter;
	const char *version_name; /* runtime name of its first version */
	const char *start;        /* FORK_START_…; NULL: it is not to be started */
};

/* Whether the container is there, and made by this fork: 1, 0, -1. The caller releases it. */
int fork_find_made(struct session *session, const struct fork_lease *lease, struct ctr_container *container,
		   struct error *err);

/* Keeps the version, writes the rows and lets the lease go; *version is its number. The lock is held. */
int fork_finish(struct session *session, const struct fork_lease *lease, int32_t *version, struct error *err);

/* Takes a fork back whose container was not made: what the lease alone keeps is collected. */
int fork_take_back(struct session *session, const struct fork_lease *lease, struct error *err);

/* Removes the files of its own that a fork was given, if its container is not there (any more). */
void fork_forget_files(struct session *session, const char *container_id);

/* Reads a lease's labels; false: it is no fork's. The strings are the lease's. */
bool fork_lease_read(const struct ctr_lease *lease, struct fork_lease *fork);

/* Whether a lease tells of a fork that is to become this container: 1, 0, -1. */
int fork_is_left(struct session *session, const char *container_id, struct error *err);

/* Ends what a run has left, forward or back: *what tells it, the caller frees. One that was to run is started. The lock is
 * held. */
int fork_settle(struct session *session, const struct fork_lease *lease, char **what, struct error *err);

/* The filter for the leases of forks. */
#define FORK_LEASES "labels.\"" LABEL_FORK "\""

#endif
