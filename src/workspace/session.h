/* What a command works with: the settings and the open connections of this run. */
#ifndef WSNAP_WORKSPACE_SESSION_H
#define WSNAP_WORKSPACE_SESSION_H

#include "base/error.h"
#include "base/settings.h"
#include "ctr/ctr.h"
#include "store/store.h"
#include "workspace/origin.h"

struct survey;

struct session {
	const struct settings *settings;
	struct ctr *ctr;
	struct store *store;         /* NULL when the command runs without a database */
	int state_dir;               /* descriptor of the state directory, -1 before it is needed */
	struct origin origin;        /* of this run */
	const struct survey *survey; /* workspace/survey.h; NULL: what is asked for is listed each time */
};

/* All of these: ERROR_USAGE for a connection string that cannot be read, before anything is opened. */

/* Opens containerd (and asks it for its version and whether the namespace is a name it takes) and the
 * store (and checks its schema), in this order. */
int session_open(const struct settings *settings, struct session *session, struct error *err);

/* The same without a schema check, for `init`: the store alone. */
int session_open_store(const struct settings *settings, struct session *session, struct error *err);

/* containerd alone; then store_open is tried and session->store stays NULL when that fails, with the
 * reason in *store_err: recovery starts containers even while the database is away. */
int session_open_for_recovery(const struct settings *settings, struct session *session, struct error *store_err,
			      struct error *err);

/* Connects to the database anew after it was away, or for the first time. */
int session_reopen_store(struct session *session, struct error *err);

/* For what needs the database behind what may have lost it: connects anew if there is no connection any more. */
int session_need_store(struct session *session, struct error *err);

/* Opens the state directory (0700, made when missing) if it is not open yet. */
int session_open_state(struct session *session, struct error *err);

void session_close(struct session *session);

#define cleanup_session __attribute__((cleanup(session_close)))

#endif
