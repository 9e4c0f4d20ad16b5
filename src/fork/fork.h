/*
 * A fork: a container of its own that begins with another's version. Its first version is a committed, empty layer on
 * that version's snapshot, so that the origin may be pruned, merged or removed and the fork stays whole.
 *
 * Everything that a fork consists of is made under one lease, by which recovery also finds it: until the container is
 * created nothing else keeps what was made, and to give the lease up is to take the fork back. From then on the
 * container keeps it, and what is left is bookkeeping that recover finishes (fork_finish.h).
 */
#ifndef WSNAP_FORK_FORK_H
#define WSNAP_FORK_FORK_H

#include "fork/fork_request.h"
#include "workspace/session.h"

/* Whether it could be made, as far as that can be said before its version is taken. Changes nothing, and blocks as
 * fork_run(). */
int fork_foresee(struct session *session, const struct fork_request *request, struct error *err);

/* Makes it. 0: it is there and durable. ERROR_INCOMPLETE: it is there, and recover records it; any other error: nothing of
 * it is left. Blocks up to settings->wait_s for the lock of the new container. */
int fork_run(struct session *session, const struct fork_request *request, struct fork_result *result,
	     struct error *err);
void fork_result_release(struct fork_result *result);

#define cleanup_fork_result __attribute__((cleanup(fork_result_release)))

#endif
