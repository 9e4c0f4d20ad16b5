#include "store/connection.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "store/conninfo.h"
#include "store/query.h"

#define CONNECT_TIMEOUT_S "10"
#define STATEMENT_TIMEOUT "60s"
/* The server ends a statement by itself; only one that hangs gives no answer at all. */
#define ANSWER_MARGIN_MS 15000

/* libpq prints notices on standard error by itself. */
static void log_notice(void *context, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	cleanup_free char *message = NULL;

	(void)context;
	message = text ? strdup(text) : NULL;
	if (!message)
		return;
	text_clean(message);
	log_detail("the database says: %s", message);
}

static int cannot_connect(struct store *store, struct error *err)
{
	cleanup_free char *cause =
		conninfo_clean_message(store->connection, store->conninfo, PQerrorMessage(store->connection));

	if (!cause)
		return error_memory(err);
	error_set(err, ERROR_DATABASE, "the database cannot be reached: %s", cause);
	return error_hint(err, "check --database, WSNAP_DATABASE or libpq's PG* variables, and that the server "
			       "runs");
}

/* In front of the conninfo stand defaults, which it overrides; behind it stands what wsnap insists on. */
static int dial(struct store *store, struct error *err)
{
	const char *const keywords[] = {
		"connect_timeout",     "tcp_user_timeout",          "keepalives_idle",
		"keepalives_interval", "keepalives_count",          "dbname",
		"client_encoding",     "fallback_application_name", NULL,
	};
	const char *const values[] = {
		getenv("PGCONNECT_TIMEOUT") ? NULL : CONNECT_TIMEOUT_S,
		"60000",
		"30",
		"10",
		"3",
		store->conninfo,
		"UTF8",
		"wsnap",
		NULL,
	};

	store->connection = PQconnectdbParams(keywords, values, 1);
	if (!store->connection)
		return error_memory(err);
	PQsetNoticeReceiver(store->connection, log_notice, NULL);
	return PQstatus(store->connection) == CONNECTION_OK ? 0 : cannot_connect(store, err);
}

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

/* The session's settings: a limit on every statement unless somebody set one, and text forms that do
 * not depend on the server's locale. */
static int configure(struct store *store, struct error *err)
{
	static const char sql[] = "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false), "
				  "CASE WHEN $1 AND current_setting('statement_timeout') = '0' "
				  "THEN set_config('statement_timeout', '" STATEMENT_TIMEOUT "', false) END";
	static const char limit_sql[] =
		"SELECT (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint";
	const char *const parameters[] = { statement_timeout_is_given(store) ? "false" : "true" };
	cleanup_rows struct rows rows = { 0 };
	cleanup_rows struct rows limit = { 0 };
	int64_t timeout_ms;

	store->answer_timeout_ms = ANSWER_MARGIN_MS;
	if (query_rows(store, sql, parameters, 1, &rows, err) < 0 ||
	    query_rows(store, limit_sql, NULL, 0, &limit, err) < 0 ||
	    rows_integer(&limit, 0, 0, 0, INT32_MAX, &timeout_ms, err) < 0)
		return -1;
	store->answer_timeout_ms = timeout_ms > 0 ? timeout_ms + ANSWER_MARGIN_MS : 0;
	return 0;
}

int connection_reopen(struct store *store, struct error *err)
{
	PQfinish(store->connection);
	store->connection = NULL;
	if (dial(store, err) < 0)
		return -1;
	return configure(store, err);
}

bool connection_is_lost(const struct store *store)
{
	return PQstatus(store->connection) != CONNECTION_OK;
}

int store_open(const char *conninfo, struct store **store, struct error *err)
{
	cleanup_store struct store *opened = NULL;

	if (conninfo && !conninfo[0])
		conninfo = NULL;
	if (conninfo_check(conninfo, err) < 0)
		return -1;
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return error_memory(err);
	opened->schema_is_ours = -1;
	if (conninfo && !(opened->conninfo = strdup(conninfo)))
		return error_memory(err);
	if (connection_reopen(opened, err) < 0)
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
