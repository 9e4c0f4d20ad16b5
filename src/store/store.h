/*
 * The store: versions and lifecycle events in Postgres. The only place that
 * knows libpq. One connection per run, opened once.
 *
 * Errors of every call below store/: ERROR_DATABASE when the server cannot be reached,
 * refuses us, went away, or the tables are not there; the message never
 * holds a password. Values out of the database are checked before they are given on.
 *
 * The schema may be another server's (extra columns with defaults, unique
 * indexes with more columns): no ON CONFLICT (columns), no reliance on their order.
 */
#ifndef WSNAP_STORE_STORE_H
#define WSNAP_STORE_STORE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/id.h"

struct store;

/* Who was behind an event, on which host, and what for (origin.h). */
struct store_origin {
	const char *by;   /* who, NULL: not known */
	const char *host; /* where, NULL: not known */
	const char *note; /* what for, NULL: nothing was said */
};

/* Whether libpq can read it: ERROR_USAGE. Connects to nothing. */
int store_check_conninfo(const char *conninfo, struct error *err);

/* `conninfo` is libpq's (keywords or URI); NULL or "" leaves all to libpq's own PG* environment. A
 * connect timeout (10 s where the conninfo has none) and a statement timeout (60 s) apply. ERROR_USAGE as above. */
int store_open(const char *conninfo, struct store **store, struct error *err);

/* The same in one schema, which is all that search_path names; NULL: as the server has it. */
int store_open_schema(const char *conninfo, const char *schema, struct store **store, struct error *err);
void store_close(struct store *store);

static inline void store_cleanup_pointer(struct store **store)
{
	store_close(*store);
}

#define cleanup_store __attribute__((cleanup(store_cleanup_pointer)))

/* Whether our tables are all there with the columns that wsnap needs; else ERROR_DATABASE, with the
 * hint to run `wsnap init`. */
int store_check_schema(struct store *store, struct error *err);

/* Whether an operation could write its rows: the server is no standby, the session not read-only, the
 * user has the privileges. For the checks before anything is touched. */
int store_check_writable(struct store *store, struct error *err);

/* The same for taking versions away. */
int store_check_deletable(struct store *store, struct error *err);

/* Whether the last error was the server's answer to what was asked: the connection stands, and it was no wait (for
 * another transaction, of which nobody knows yet how it ends) that took too long. */
bool store_has_refused(const struct store *store);

/* Whether the last error was the server's verdict on the rows themselves, which it will give again until somebody changes
 * a setting, a privilege or a table: no wait, no lost race, no shortage, no server that is a standby or shutting down. */
bool store_has_judged(const struct store *store);

/* Whether the schema was made by `wsnap init` (then bots may be inserted): 1, 0, -1. */
int store_schema_is_ours(struct store *store, struct error *err);

/* Creates or upgrades the schema, in one transaction under an advisory lock; a schema that store_open_schema() named and
 * that is not there is made. Tables of somebody else's are left as they are. *from and *to are step numbers; equal when
 * nothing was to do. */
int store_init(struct store *store, int *from, int *to, struct error *err);

/* Where the tables are. */
struct store_tables {
	bool ours; /* made by `wsnap init` */
	char schema[128];
	char database[128];
};

int store_find_tables(struct store *store, struct store_tables *tables, struct error *err);

#endif
