/* Transactions that change a container's rows; internal to store/. */
#ifndef WSNAP_STORE_TRANSACTION_H
#define WSNAP_STORE_TRANSACTION_H

#include "base/error.h"
#include "store/connection.h"

/* What happens inside; it may run several times, each time in a new transaction, so it
 * must set its results afresh. */
typedef int (*transaction_body)(struct store *store, void *context, struct error *err);

/*
 * Runs the body in a durable READ COMMITTED transaction that holds
 * pg_advisory_xact_lock(TRANSACTION_LOCK_CLASS, hashtext(subject)). It is run again, a few times,
 * when the server says that it lost against another one (serialization, deadlock, a row
 * that appeared), and once on a new
 * connection when the old one was lost before COMMIT was sent. When the answer to COMMIT is lost, that is
 * an error: the caller's operation must be idempotent, and may be run again.
 */
int transaction_run(struct store *store, const char *subject, transaction_body body, void *context, struct error *err);

/*
 * Lets the server judge the body's statements, deferred constraints included, and takes them back. 0: it would take
 * them, or could not say (a lock that somebody holds for more than two seconds, a race that was lost). ERROR_DATABASE,
 * or what the body says: it would not.
 */
int transaction_rehearse(struct store *store, const char *subject, transaction_body body, void *context,
			 struct error *err);

/* First key of the two of every advisory lock of ours: "wsna" in ASCII. */
#define TRANSACTION_LOCK_CLASS "2004053601"

#endif
