#include "store/connection.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "store/conninfo.h"
#include "store/query.h"

#define CONNECT_TIMEOUT_S "10"
#define STATEMENT_TIMEOUT_MS 60000 /* CONNECTION_STATEMENT_TIMEOUT */
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

/* The options of the connection as they come from the conninfo, a service file or PGOPTIONS: libpq puts them together
 * before it connects. NULL: none. */
static char *given_options(const struct store *store)
{
	static const char *const keywords[] = { "dbname", NULL };
	const char *const values[] = { store->conninfo, NULL };
	PGconn *asked = PQconnectStartParams(keywords, values, 1);
	PQconninfoOption *all = asked ? PQconninfo(asked) : NULL;
	char *options = NULL;

	for (const PQconninfoOption *option = all; option && option->keyword; option++)
		if (strcmp(option->keyword, "options") == 0 && option->val)
			options = strdup(option->val);
	PQconninfoFree(all);
	PQfinish(asked);
	return options;
}

/* In options white space ends a word, unless a backslash stands before it. */
static void add_escaped(struct text *text, const char *word)
{
	for (; *word; word++)
		text_printf(text, "%s%c", *word == '\\' || *word == ' ' ? "\\" : "", *word);
}

/* *options: the given ones with a search_path of the one schema, NULL where none is wanted. */
static int add_schema(const struct store *store, char **options, struct error *err)
{
	cleanup_text struct text text = { 0 };
	cleanup_free char *given = NULL;

	if (!store->schema)
		return 0;
	given = given_options(store);
	text_printf(&text, "%s -c search_path=\"", given ? given : "");
	add_escaped(&text, store->schema);
	text_add(&text, "\"");
	*options = text_steal(&text);
	return *options ? 0 : error_memory(err);
}

/* In front of the conninfo stand defaults, which it overrides; behind it stands what wsnap insists on. */
static int dial(struct store *store, struct error *err)
{
	const char *const keywords[] = {
		"connect_timeout",  "tcp_user_timeout",
		"keepalives_idle",  "keepalives_interval",
		"keepalives_count", "dbname",
		"client_encoding",  "fallback_application_name",
		"options",          NULL,
	};
	cleanup_free char *options = NULL;

	if (add_schema(store, &options, err) < 0)
		return -1;

	const char *const values[] = {
		getenv("PGCONNECT_TIMEOUT") ? NULL : CONNECT_TIMEOUT_S,
		"60000",
		"30",
		"10",
		"3",
		store->conninfo,
		"UTF8",
		"wsnap",
		options,
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

int connection_reopen(struct store *store, struct error *err)
{
	PQfinish(store->connection);
	store->connection = NULL;
	if (dial(store, err) < 0)
		return -1;
	return learn_limits(store, err);
}

bool connection_is_lost(const struct store *store)
{
	return PQstatus(store->connection) != CONNECTION_OK;
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
	if (conninfo_check(conninfo, err) < 0)
		return -1;
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return error_memory(err);
	opened->schema_is_ours = -1;
	if (conninfo && !(opened->conninfo = strdup(conninfo)))
		return error_memory(err);
	if (schema && !(opened->schema = strdup(schema)))
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
