/*
 * The connection itself; internal to store/. libpq's types are only named here, so that libpq's
 * header stays in the .c files that talk to it.
 */
#ifndef WSNAP_STORE_CONNECTION_H
#define WSNAP_STORE_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* For statements of ours where nobody set another limit. */
#define CONNECTION_STATEMENT_TIMEOUT "60s"

struct pg_conn;
struct pg_result;

struct store {
	struct pg_conn *connection; /* NULL after it was given up */
	char *conninfo;             /* as the user gave it; may hold a password */
	char *schema;               /* that search_path is to name; NULL: as it comes */
	int64_t answer_timeout_ms;  /* how long an answer may take; 0: for ever */
	bool limit_is_ours;         /* nobody has set a statement timeout: our transactions do */
	char sqlstate[6];           /* of the last error, "" when the server sent none */
	int schema_is_ours;         /* 1, 0; -1: not asked yet */
	struct store_origin origin; /* of this run */
};

/* Connects in place of what was there before. Its limits are not known yet: open.h. */
int connection_dial(struct store *store, struct error *err);

/* Whether the connection was lost; a query on it can only fail. */
bool connection_is_lost(const struct store *store);

/* Waits for the next result of what was sent; NULL when there are no more. Blocks at most
 * answer_timeout_ms; when that passes the connection is given up, and *timed_out is set. */
struct pg_result *connection_next_result(struct store *store, bool *timed_out);

#endif
