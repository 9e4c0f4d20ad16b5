/* Which tables there are, whose they are, and making them. */
#include "store/schema_steps.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "store/query.h"
#include "store/transaction.h"

/* Every table and column that a query of ours names. Names are looked up as the queries would: by
 * search_path. A missing table comes before a missing column. */
static const char missing_sql[] =
	"SELECT need.t, need.c, to_regclass(need.t) IS NULL FROM (VALUES "
	"('bots', 'id'), "
	"('containers', 'bot_id'), ('containers', 'container_id'), ('containers', 'container_name'), "
	"('containers', 'image'), ('containers', 'status'), ('containers', 'namespace'), "
	"('containers', 'created_at'), ('containers', 'updated_at'), "
	"('containers', 'last_started_at'), ('containers', 'last_stopped_at'), "
	"('snapshots', 'id'), ('snapshots', 'container_id'), ('snapshots', 'runtime_snapshot_name'), "
	"('snapshots', 'display_name'), ('snapshots', 'parent_runtime_snapshot_name'), "
	"('snapshots', 'snapshotter'), ('snapshots', 'source'), ('snapshots', 'created_at'), "
	"('container_versions', 'id'), ('container_versions', 'container_id'), "
	"('container_versions', 'snapshot_id'), ('container_versions', 'version'), "
	"('container_versions', 'created_at'), "
	"('lifecycle_events', 'id'), ('lifecycle_events', 'container_id'), "
	"('lifecycle_events', 'event_type'), ('lifecycle_events', 'payload'), "
	"('lifecycle_events', 'created_at')) AS need (t, c) "
	"WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(need.t) "
	"AND attname = need.c AND NOT attisdropped) "
	"ORDER BY 3 DESC, 1, 2 LIMIT 1";

/* The schema is ours if its tables stand beside our table wsnap_schema. */
static const char ours_sql[] =
	"SELECT FROM pg_class mark, pg_class tables "
	"WHERE mark.oid = to_regclass('wsnap_schema') AND tables.oid = to_regclass('containers') "
	"AND mark.relnamespace = tables.relnamespace";

int store_schema_is_ours(struct store *store, struct error *err)
{
	int found;

	if (store->schema_is_ours >= 0)
		return store->schema_is_ours;
	found = query_rows(store, ours_sql, NULL, 0, NULL, err);
	if (found < 0)
		return -1;
	store->schema_is_ours = found > 0;
	return store->schema_is_ours;
}

/* 1: a table or column is missing, named in *err; 0: all are there; -1. */
static int find_missing(struct store *store, bool *is_table, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	const char *table;
	const char *column;
	const char *whole;
	int found = query_rows(store, missing_sql, NULL, 0, &rows, err);

	if (found <= 0)
		return found;
	if (rows_text(&rows, 0, 0, &table, err) < 0 || rows_text(&rows, 0, 1, &column, err) < 0 ||
	    rows_text(&rows, 0, 2, &whole, err) < 0)
		return -1;
	*is_table = strcmp(whole, "t") == 0;
	if (*is_table)
		error_set(err, ERROR_DATABASE, "the database has no table '%s'", table);
	else
		error_set(err, ERROR_DATABASE, "the database's table '%s' has no column '%s'", table, column);
	return 1;
}

/* 1 when one of our tables' names is taken. */
static int any_table_exists(struct store *store, struct error *err)
{
	return query_rows(store,
			  "SELECT FROM (VALUES ('bots'), ('containers'), ('snapshots'), "
			  "('container_versions'), ('lifecycle_events')) AS name (t) "
			  "WHERE to_regclass(t) IS NOT NULL LIMIT 1",
			  NULL, 0, NULL, err);
}

static int explain_missing(struct store *store, bool is_table, struct error *err)
{
	struct error inner = { 0 };
	int foreign = store_schema_is_ours(store, &inner) == 0 && any_table_exists(store, &inner) > 0;

	if (inner.kind != ERROR_NONE) {
		*err = inner;
		return -1;
	}
	if (foreign)
		return error_hint(err, "the other tables are another server's: upgrade it, or give wsnap a "
				       "database or schema of its own");
	return error_hint(err, is_table ? "run 'wsnap init'" : "run 'wsnap init' of the newest wsnap");
}

int store_check_schema(struct store *store, struct error *err)
{
	bool is_table = false;
	int missing = find_missing(store, &is_table, err);

	return missing > 0 ? explain_missing(store, is_table, err) : missing;
}

static int check_read_only(struct store *store, struct error *err)
{
	int found =
		query_rows(store, "SELECT WHERE current_setting('transaction_read_only') = 'on'", NULL, 0, NULL, err);

	if (found <= 0)
		return found;
	error_set(err, ERROR_DATABASE, "the database is read-only");
	return error_hint(err, "connect to the primary server, with a user that may write");
}

/* Table and privilege of what the user lacks. Single columns are enough for all but DELETE. */
#define LACKING(needs)                                                                     \
	"SELECT t, lower(p) FROM (VALUES " needs ") AS need (t, p) "                       \
	"WHERE NOT CASE p WHEN 'DELETE' THEN has_table_privilege(to_regclass(t)::oid, p) " \
	"ELSE has_any_column_privilege(to_regclass(t)::oid, p) END LIMIT 1"

static int check_access(struct store *store, const char *lacking, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	const char *table;
	const char *privilege;
	int found = check_read_only(store, err);

	if (found == 0)
		found = query_rows(store, lacking, NULL, 0, &rows, err);
	if (found <= 0)
		return found;
	if (rows_text(&rows, 0, 0, &table, err) < 0 || rows_text(&rows, 0, 1, &privilege, err) < 0)
		return -1;
	error_set(err, ERROR_DATABASE, "the database user may not %s rows of table '%s'", privilege, table);
	return error_hint(err, "grant the database user what it lacks");
}

int store_check_writable(struct store *store, struct error *err)
{
	return check_access(store,
			    LACKING("('containers', 'INSERT'), ('containers', 'UPDATE'), ('snapshots', 'INSERT'), "
				    "('container_versions', 'INSERT'), ('lifecycle_events', 'INSERT')"),
			    err);
}

int store_check_deletable(struct store *store, struct error *err)
{
	return check_access(store,
			    LACKING("('snapshots', 'DELETE'), ('container_versions', 'DELETE'), "
				    "('lifecycle_events', 'INSERT')"),
			    err);
}

/* The last step that ran; 0 when the schema is empty, -2 when somebody else's tables are there. */
#define FOREIGN_SCHEMA (-2)

static int current_step(struct store *store, struct error *err)
{
	cleanup_rows struct rows rows = { 0 };
	int64_t step;
	int found = query_rows(store, "SELECT WHERE to_regclass('wsnap_schema') IS NOT NULL", NULL, 0, NULL, err);

	if (found < 0)
		return -1;
	if (found == 0) {
		found = any_table_exists(store, err);
		return found > 0 ? FOREIGN_SCHEMA : found;
	}
	if (query_rows(store, "SELECT coalesce(max(step), 0) AS step FROM wsnap_schema", NULL, 0, &rows, err) < 0 ||
	    rows_integer(&rows, 0, 0, 0, INT32_MAX, &step, err) < 0)
		return -1;
	return (int)step;
}

struct init_steps {
	int from;
	int to;
};

/* The schema that the configuration names, where it is not there yet. */
static int make_schema(struct store *store, struct error *err)
{
	static const char sql[] = "SELECT format('CREATE SCHEMA %I', $1::text) AS statement "
				  "WHERE to_regnamespace(quote_ident($1::text)) IS NULL";
	const char *const parameters[] = { store->schema };
	cleanup_rows struct rows rows = { 0 };
	int missing = store->schema ? query_rows(store, sql, parameters, 1, &rows, err) : 0;

	return missing > 0 ? query_script(store, rows_raw(&rows, 0, 0), err) : missing;
}

static int run_steps(struct store *store, void *context, struct error *err)
{
	struct init_steps *steps = context;
	int step = make_schema(store, err) < 0 ? -1 : current_step(store, err);

	if (step == -1)
		return -1;
	steps->from = steps->to = step == FOREIGN_SCHEMA ? 0 : step;
	if (step == FOREIGN_SCHEMA)
		return 0;
	if (step > schema_step_count) {
		error_set(err, ERROR_DATABASE, "the database's schema is at step %d, this wsnap knows %d", step,
			  schema_step_count);
		return error_hint(err, "use the wsnap that made it, or a newer one");
	}
	for (; steps->to < schema_step_count; steps->to++)
		if (query_script(store, schema_steps[steps->to], err) < 0)
			return error_wrap(err, "step %d of the schema", steps->to + 1);
	return 0;
}

int store_init(struct store *store, int *from, int *to, struct error *err)
{
	struct init_steps steps = { 0 };

	if (transaction_run(store, "wsnap_schema", run_steps, &steps, err) < 0)
		return -1;
	store->schema_is_ours = -1;
	*from = steps.from;
	*to = steps.to;
	return store_check_schema(store, err);
}

int store_find_tables(struct store *store, struct store_tables *tables, struct error *err)
{
	static const char sql[] = "SELECT n.nspname AS schema, current_database() AS database "
				  "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
				  "WHERE c.oid = to_regclass('containers')";
	cleanup_rows struct rows rows = { 0 };
	const char *schema, *database;
	int ours = store_schema_is_ours(store, err);
	int found = ours < 0 ? -1 : query_rows(store, sql, NULL, 0, &rows, err);

	if (found == 0)
		return error_set(err, ERROR_DATABASE, "the database has no table 'containers'");
	if (found < 0 || rows_text(&rows, 0, 0, &schema, err) < 0 || rows_text(&rows, 0, 1, &database, err) < 0)
		return -1;
	tables->ours = ours > 0;
	snprintf(tables->schema, sizeof(tables->schema), "%s", schema);
	snprintf(tables->database, sizeof(tables->database), "%s", database);
	return 0;
}
