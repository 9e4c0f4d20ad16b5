/*
 * The ctr shim: containerd's services as typed C calls, over gRPC on its Unix
 * socket. One `struct ctr` is one run's client: it has one namespace, one lease at
 * most, and keeps its connection. It is not thread-safe: one thread per client.
 *
 * Errors of every call below ctr/: ERROR_CONTAINERD when containerd cannot be reached,
 * went away, does not speak gRPC, or a deadline passed; ERROR_NOT_FOUND when
 * containerd says so (grpc-status 5); else ERROR_FAILED with containerd's words. ctr_status() has the
 * grpc-status of the last call, for callers that must tell "exists" from "refused".
 *
 * What may be absent: a call that looks for one thing returns 1 with it, 0 where it is not there (then *err is clear), -1 on
 * an error (ctr_container_find, ctr_snapshot_stat). A task that is not there is a state, CTR_TASK_NONE. ctr_container_get is
 * for callers to whom a missing container is an error.
 */
#ifndef WSNAP_CTR_CTR_H
#define WSNAP_CTR_CTR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct ctr;

/* gRPC status codes that callers look at (grpc/grpc, doc/statuscodes.md). */
enum ctr_status {
	CTR_OK = 0,
	CTR_NOT_FOUND = 5,
	CTR_EXISTS = 6,
	CTR_FAILED_PRECONDITION = 9,
	CTR_UNAVAILABLE = 14,
	CTR_NO_ANSWER = -1, /* the call did not get as far as a status */
};

/* `socket_path` is an absolute path, a leading "unix://" is allowed. Nothing is sent yet. */
int ctr_open(const char *socket_path, const char *namespace, struct ctr **ctr, struct error *err);
void ctr_close(struct ctr *ctr);

static inline void ctr_cleanup_pointer(struct ctr **ctr)
{
	ctr_close(*ctr);
}

#define cleanup_ctr __attribute__((cleanup(ctr_cleanup_pointer)))

/* Every later call carries this lease (header containerd-lease); NULL: none. */
int ctr_use_lease(struct ctr *ctr, const char *lease, struct error *err);

/* grpc-status of the last call that ended. */
int ctr_status(const struct ctr *ctr);

/* Clears the error of the last call and returns true where containerd answered with this status; else leaves it alone and
 * returns false. For what is as wanted already: gone, or there. */
bool ctr_forgive(const struct ctr *ctr, enum ctr_status status, struct error *err);

#endif
