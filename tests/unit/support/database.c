#include "support/database.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "base/text.h"

static PGconn *connection;
static char name[64];
static struct text kept;

static int run_elsewhere(const char *before, const char *after)
{
	PGconn *postgres = PQconnectdb("dbname=postgres");
	char sql[128];
	PGresult *result;
	int good;

	snprintf(sql, sizeof(sql), "%s%s%s", before, name, after);
	result = PQexec(postgres, sql);
	good = PQresultStatus(result) == PGRES_COMMAND_OK;
	if (!good)
		print_error("%s: %s", sql, PQerrorMessage(postgres));
	PQclear(result);
	PQfinish(postgres);
	return good ? 0 : -1;
}

int database_create(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "wsnap_test_%d", getpid());
	if (run_elsewhere("CREATE DATABASE ", "") < 0)
		return -1;
	setenv("PGDATABASE", name, 1);
	connection = PQconnectdb("options='-c client_min_messages=error'");
	return PQstatus(connection) == CONNECTION_OK ? 0 : -1;
}

int database_drop(void **state)
{
	(void)state;
	PQfinish(connection);
	connection = NULL;
	text_release(&kept);
	return run_elsewhere("DROP DATABASE ", " WITH (FORCE)");
}

int database_empty(void **state)
{
	(void)state;
	database_run("UNLISTEN *; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
	database_notifications();
	return 0;
}

static __attribute__((format(printf, 1, 0))) PGresult *run(const char *format, va_list args)
{
	char *sql = NULL;
	PGresult *result;

	assert_true(vasprintf(&sql, format, args) >= 0);
	result = PQexec(connection, sql);
	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(connection));
	free(sql);
	return result;
}

void database_run(const char *sql, ...)
{
	va_list args;

	va_start(args, sql);
	PQclear(run(sql, args));
	va_end(args);
}

const char *database_value(const char *sql, ...)
{
	PGresult *result;
	va_list args;

	va_start(args, sql);
	result = run(sql, args);
	va_end(args);
	if (PQntuples(result) == 0)
		fail_msg("no row: %s", sql);
	text_release(&kept);
	text_add(&kept, PQgetvalue(result, 0, 0));
	PQclear(result);
	return kept.data;
}

const char *database_notifications(void)
{
	PGnotify *notification;

	PQclear(PQexec(connection, "SELECT 1"));
	PQconsumeInput(connection);
	text_release(&kept);
	text_add(&kept, "");
	while ((notification = PQnotifies(connection))) {
		text_printf(&kept, "%s\n", notification->extra);
		PQfreemem(notification);
	}
	return kept.data;
}

void database_forget(void)
{
	close(PQsocket(connection));
	connection = NULL;
}

void database_make_foreign(void)
{
	database_run(
		"%s",
		"CREATE FUNCTION team() RETURNS uuid STABLE LANGUAGE sql AS "
		"$$ SELECT coalesce(nullif(current_setting('app.team', true), ''), "
		"'00000000-0000-4000-8000-000000000001')::uuid $$;"
		"CREATE TABLE bots (team_id uuid NOT NULL DEFAULT team(), id uuid NOT NULL DEFAULT gen_random_uuid(), "
		"owner text NOT NULL, PRIMARY KEY (team_id, id));"
		"CREATE TABLE containers (team_id uuid NOT NULL DEFAULT team(), id uuid DEFAULT gen_random_uuid(), "
		"bot_id uuid NOT NULL, container_id text NOT NULL, container_name text NOT NULL, "
		"image text NOT NULL, status text NOT NULL DEFAULT 'created', "
		"namespace text NOT NULL DEFAULT 'default', auto_start bool NOT NULL DEFAULT true, "
		"container_path text NOT NULL DEFAULT '/data', created_at timestamptz NOT NULL DEFAULT now(), "
		"updated_at timestamptz NOT NULL DEFAULT now(), last_started_at timestamptz, "
		"last_stopped_at timestamptz, PRIMARY KEY (team_id, id), UNIQUE (team_id, container_id), "
		"UNIQUE (team_id, container_name), FOREIGN KEY (team_id, bot_id) REFERENCES bots (team_id, id));"
		"CREATE TABLE snapshots (team_id uuid NOT NULL DEFAULT team(), id uuid DEFAULT gen_random_uuid(), "
		"container_id text NOT NULL, runtime_snapshot_name text NOT NULL, display_name text, "
		"parent_runtime_snapshot_name text, snapshotter text NOT NULL, source text NOT NULL, "
		"created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (team_id, id), "
		"UNIQUE (team_id, container_id, runtime_snapshot_name), "
		"FOREIGN KEY (team_id, container_id) REFERENCES containers (team_id, container_id));"
		"CREATE TABLE container_versions (team_id uuid NOT NULL DEFAULT team(), "
		"id uuid DEFAULT gen_random_uuid(), container_id text NOT NULL, snapshot_id uuid NOT NULL, "
		"version int NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (team_id, id), "
		"UNIQUE (team_id, container_id, version), FOREIGN KEY (team_id, snapshot_id) "
		"REFERENCES snapshots (team_id, id) ON DELETE RESTRICT);"
		"CREATE TABLE lifecycle_events (team_id uuid NOT NULL DEFAULT team(), id text NOT NULL, "
		"container_id text NOT NULL, event_type text NOT NULL, payload jsonb NOT NULL DEFAULT '{}', "
		"created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (team_id, id));");
}
