#include "store/connection.h"

#include <libpq-fe.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "store/conninfo.h"

#define CONNECT_TIMEOUT_S "10"

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

int connection_dial(struct store *store, struct error *err)
{
	PQfinish(store->connection);
	store->connection = NULL;
	return dial(store, err);
}

bool connection_is_lost(const struct store *store)
{
	return PQstatus(store->connection) != CONNECTION_OK;
}
