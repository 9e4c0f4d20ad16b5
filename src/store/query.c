#include "store/query.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/conninfo.h"

/* What the user can do about a SQLSTATE (PostgreSQL's manual, appendix A), by its first characters. */
static const struct {
	const char *sqlstate;
	const char *hint;
} hints[] = {
	{ "42P01", "run 'wsnap init'" },
	{ "42703", "run 'wsnap init'" },
	{ "3F000", "create the schema that search_path names" },
	{ "42501",
	  "grant the database user what it lacks; where it is a policy that denies the row, give --database the "
	  "user, or the options, that the policy asks for" },
	{ "22P05", "give a name, or --source, of characters that the database's encoding has" },
	{ "22P02", "a setting that the tables read may be missing or malformed: --database takes it, as in "
		   "\"dbname=… options='-c NAME=VALUE'\"" },
	{ "22001", "give a shorter name, or widen the column" },
	{ "23503", "make the row that is referred to, or give --database the options that name one that is there" },
	{ "23", "a rule of the tables refuses the row: change what it complains of" },
	{ "P0001", "a trigger of the database refuses the row: change what it complains of" },
	{ "25006", "connect to the primary server, with a user that may write" },
	{ "57014", "try again; if it stays, look for locks in the database (pg_stat_activity)" },
	{ "53", "the database server is short of disk, memory or connections" },
	{ "08", "check --database and that the server runs" },
	{ "57P", "check that the server runs, then try again" },
};

struct query_number query_number(int64_t value)
{
	struct query_number number;

	snprintf(number.text, sizeof(number.text), "%" PRId64, value);
	return number;
}

const char *query_time(int64_t unix_ns, struct query_time *time)
{
	if (unix_ns == 0)
		return NULL;
	clock_format(unix_ns, time->text);
	return time->text;
}

/* A setting of an application, such as "memoh.team_id": the only names with a dot in what a server says when one is
 * missing, in whatever language. Its length, 0 for none. */
static size_t find_setting(const char *message, const char **setting)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	for (const char *dot = strchr(message, '.'); dot; dot = strchr(dot + 1, '.')) {
		size_t behind = strspn(dot + 1, letters), before = 0;

		while (dot - before > message && strchr(letters, dot[-(ptrdiff_t)before - 1]))
			before++;
		*setting = dot - before;
		if (before > 0 && behind > 0)
			return before + 1 + behind;
	}
	return 0;
}

/* The errors of a server with teams when the session has not set which team it is for. */
static bool hint_at_setting(const struct store *store, const char *cause, struct error *err)
{
	static const char *const states[] = { "42501", "42704", "22P02" };
	const char *setting;
	size_t length = find_setting(cause, &setting);

	for (size_t i = 0; length > 0 && i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(store->sqlstate, states[i]) != 0)
			continue;
		error_hint(err,
			   "the tables want the setting '%.*s': give it in --database, as in "
			   "\"dbname=… options='-c %.*s=VALUE'\", or in PGOPTIONS",
			   (int)length, setting, (int)length, setting);
		return true;
	}
	return false;
}

static void add_hint(const struct store *store, const char *cause, struct error *err)
{
	if (hint_at_setting(store, cause, err))
		return;
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		if (strncmp(store->sqlstate, hints[i].sqlstate, strlen(hints[i].sqlstate)) == 0) {
			error_hint(err, "%s", hints[i].hint);
			return;
		}
	}
	if (connection_is_lost(store))
		error_hint(err, "check that the server runs, then try again");
}

/* The error of `result`, or of the connection where it brought none. */
static int query_failed(struct store *store, const PGresult *result, struct error *err)
{
	const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	cleanup_free char *whole = NULL;
	cleanup_free char *cause = NULL;

	if (!message)
		message = PQerrorMessage(store->connection);
	if (!message || !message[0])
		message = "no answer that could be read";
	/* Which row is missing, or in the way, is only said there. */
	if (sqlstate && text_starts_with(sqlstate, "23") && detail)
		whole = text_format("%s: %s", message, detail);
	cause = conninfo_clean_message(store->connection, store->conninfo, whole ? whole : message);
	if (!cause)
		return error_memory(err);
	snprintf(store->sqlstate, sizeof(store->sqlstate), "%s", sqlstate ? sqlstate : "");
	error_set(err, ERROR_DATABASE, "the database %s: %s",
		  connection_is_lost(store) ? "connection was lost" : "refused", cause);
	add_hint(store, cause, err);
	return -1;
}

static int no_answer(struct store *store, struct error *err)
{
	error_set(err, ERROR_DATABASE, "the database gave no answer for %" PRId64 " s",
		  store->answer_timeout_ms / 1000);
	return error_hint(err, "check that the server runs and answers, then try again");
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Reads all results of what was sent. The last one that matters (the first error, else the last
 * good one) goes to *kept. */
static int collect(struct store *store, struct rows *kept, struct error *err)
{
	bool timed_out;
	PGresult *next;

	while ((next = connection_next_result(store, &timed_out))) {
		ExecStatusType status = PQresultStatus(next);

		if (kept->result && !is_good(kept->result)) {
			PQclear(next);
		} else {
			rows_release(kept);
			kept->result = next;
		}
		/* COPY is never asked for, and would hand out the same result for ever */
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
			break;
	}
	if (timed_out)
		return no_answer(store, err);
	if (!kept->result || !is_good(kept->result))
		return query_failed(store, kept->result, err);
	return 0;
}

/* A connection that failed only while it was given up has no PGconn any more. */
static int check_connection(struct store *store, struct error *err)
{
	store->sqlstate[0] = '\0';
	if (store->connection)
		return 0;
	error_set(err, ERROR_DATABASE, "the database connection was lost");
	return error_hint(err, "check that the server runs, then try again");
}

int query_rows(struct store *store, const char *sql, const char *const *parameters, int count, struct rows *rows,
	       struct error *err)
{
	cleanup_rows struct rows own = { 0 };

	if (check_connection(store, err) < 0)
		return -1;
	if (!PQsendQueryParams(store->connection, sql, count, NULL, parameters, NULL, NULL, 0))
		return query_failed(store, NULL, err);
	if (collect(store, &own, err) < 0)
		return -1;
	if (rows) {
		rows_release(rows);
		rows->result = steal_pointer(own.result);
	}
	return rows ? PQntuples(rows->result) : PQntuples(own.result);
}

int query_script(struct store *store, const char *sql, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };

	if (check_connection(store, err) < 0)
		return -1;
	if (!PQsendQuery(store->connection, sql))
		return query_failed(store, NULL, err);
	return collect(store, &rows, err);
}
