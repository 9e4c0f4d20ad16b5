#include "store/open.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/conninfo.h"
#include "store/query.h"

#define STATEMENT_TIMEOUT_MS 60000 /* CONNECTION_STATEMENT_TIMEOUT */
/* The server ends a statement by itself; only one that hangs gives no answer at all. */
#define ANSWER_MARGIN_MS 15000

static bool statement_timeout_is_given(const struct store *store)
{
	PQconninfoOption *options = PQconninfo(store->connection);
	bool given = false;

	for (const PQconninfoOption *option = options; option && option->keyword; option++)
		if (strcmp(option->keyword, "options") == 0 && option->val)
			given = strstr(option->val, "statement_timeout") != NULL;
	PQconninfoFree(options);
	return given;
}

/* The limits that the server was told, or ours: for its answers, and for the statements of our transactions. No setting of
 * the session is made: a pooler in transaction mode would hand it on to others. */
static int learn_limits(struct store *store, struct error *err)
{
	static const char sql[] =
		"SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint";
	cleanup_rows struct rows rows = { 0 };
	int64_t timeout_ms;

	store->answer_timeout_ms = ANSWER_MARGIN_MS;
	if (query_rows(store, sql, NULL, 0, &rows, err) < 0 ||
	    rows_integer(&rows, 0, 0, 0, INT32_MAX, &timeout_ms, err) < 0)
		return -1;
	store->limit_is_ours = timeout_ms == 0 && !statement_timeout_is_given(store);
	if (store->limit_is_ours)
		timeout_ms = STATEMENT_TIMEOUT_MS;
	store->answer_timeout_ms = timeout_ms > 0 ? timeout_ms + ANSWER_MARGIN_MS : 0;
	return 0;
}

int store_reopen(struct store *store, struct error *err)
{
	return connection_dial(store, err) < 0 ? -1 : learn_limits(store, err);
}

int store_check_conninfo(const char *conninfo, struct error *err)
{
	return conninfo_check(conninfo && conninfo[0] ? conninfo : NULL, err);
}

int store_open(const char *conninfo, struct store **store, struct error *err)
{
	return store_open_schema(conninfo, NULL, store, err);
}

int store_open_schema(const char *conninfo, const char *schema, struct store **store, struct error *err)
{
	cleanup_store struct store *opened = NULL;

	if (conninfo && !conninfo[0])
		conninfo = NULL;
	if (store_check_conninfo(conninfo, err) < 0)
		return -1;
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return error_memory(err);
	opened->schema_is_ours = -1;
	if (conninfo && !(opened->conninfo = strdup(conninfo)))
		return error_memory(err);
	if (schema && !(opened->schema = strdup(schema)))
		return error_memory(err);
	if (store_reopen(opened, err) < 0)
		return -1;
	*store = steal_pointer(opened);
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	PQfinish(store->connection);
	free(store->conninfo);
	free(store->schema);
	free(store);
}

bool store_has_refused(const struct store *store)
{
	/* lock_not_available, query_canceled: Postgres manual, appendix A. */
	return !connection_is_lost(store) && strcmp(store->sqlstate, "55P03") != 0 &&
	       strcmp(store->sqlstate, "57014") != 0;
}

bool store_has_judged(const struct store *store)
{
	/* Classes of the Postgres manual, appendix A: connection, transaction state, rollback, resources, intervention,
	 * system. */
	static const char *const passing[] = { "08", "25", "40", "53", "57", "58" };

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (text_starts_with(store->sqlstate, passing[i]))
			return false;
	return store_has_refused(store);
}
