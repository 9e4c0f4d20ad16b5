/* Making, finding and judging the tables. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/schema_steps.h"
#include "store/operation.h"
#include "store/store.h"
#include "support/database.h"
#include "support/rows.h"

static struct store *open_with(const char *options)
{
	struct store *store;

	setenv("PGOPTIONS", options, 1);
	store = rows_open_store();
	unsetenv("PGOPTIONS");
	return store;
}

static void init_makes_the_tables_once(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_int_equal(from, 0);
	assert_int_equal(to, schema_step_count);
	assert_int_equal(store_check_schema(store, &err), 0);
	assert_int_equal(store_check_writable(store, &err), 0);
	assert_int_equal(store_schema_is_ours(store, &err), 1);
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_int_equal(from, schema_step_count);
	assert_int_equal(to, schema_step_count);
	assert_string_equal(database_value("SELECT count(*) FROM wsnap_schema"), "1");
}

static void an_empty_database_asks_for_init(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };

	(void)state;
	store = rows_open_store();
	assert_int_equal(store_check_schema(store, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the database has no table 'bots'");
	assert_string_equal(err.hint, "run 'wsnap init'");
}

static void a_foreign_schema_is_left_alone(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from = 7, to = 7;

	(void)state;
	database_make_foreign();
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_int_equal(from, 0);
	assert_int_equal(to, 0);
	assert_int_equal(store_schema_is_ours(store, &err), 0);
	assert_int_equal(store_check_schema(store, &err), 0);
	assert_string_equal(database_value("SELECT coalesce(to_regclass('wsnap_schema')::text, 'none')"), "none");
}

static void half_a_foreign_schema_is_not_filled_up(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	database_run("CREATE TABLE bots (id uuid PRIMARY KEY)");
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the database has no table 'container_versions'");
	assert_non_null(strstr(err.hint, "another server's"));
	assert_string_equal(database_value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
}

static void a_missing_column_is_named(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };

	(void)state;
	database_make_foreign();
	database_run("ALTER TABLE snapshots DROP COLUMN source");
	store = rows_open_store();
	assert_int_equal(store_check_schema(store, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the database's table 'snapshots' has no column 'source'");
	assert_non_null(strstr(err.hint, "another server's"));
}

static void a_newer_schema_is_refused_by_init(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	database_run("INSERT INTO wsnap_schema VALUES (1000)");
	assert_int_equal(store_init(store, &from, &to, &err), -1);
	assert_non_null(strstr(err.message, "is at step 1000"));
	assert_int_equal(store_check_schema(store, &err), 0);
}

static void the_search_path_of_the_connection_counts(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	database_run("DROP SCHEMA IF EXISTS history CASCADE; CREATE SCHEMA history");
	store = open_with("-c search_path=history");
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_string_equal(database_value("SELECT count(*) FROM pg_tables WHERE schemaname = 'history'"), "6");
	assert_string_equal(database_value("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
	database_run("DROP SCHEMA history CASCADE");
}

static void a_search_path_to_nowhere_is_an_error(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	store = open_with("-c search_path=nowhere");
	assert_int_equal(store_init(store, &from, &to, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.hint, "create the schema that search_path names");
}

static void reading_is_not_writing(void **state)
{
	cleanup_store struct store *store = NULL;
	cleanup_store struct store *reader = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	reader = open_with("-c default_transaction_read_only=on");
	assert_int_equal(store_check_schema(reader, &err), 0);
	assert_int_equal(store_check_writable(reader, &err), -1);
	assert_string_equal(err.message, "the database is read-only");
	err = (struct error){ 0 };
	assert_int_equal(store_check_bot(reader, "11111111-1111-4111-8111-111111111111", &err), -1);
	assert_string_equal(err.message, "the database is read-only");
}

static void missing_privileges_are_named(void **state)
{
	cleanup_store struct store *store = NULL;
	struct error err = { 0 };
	int from, to;

	(void)state;
	store = rows_open_store();
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	store_close(store);
	database_run("CREATE ROLE wsnap_reader; GRANT USAGE ON SCHEMA public TO wsnap_reader; "
		     "GRANT INSERT, UPDATE ON containers TO wsnap_reader; "
		     "GRANT SELECT ON ALL TABLES IN SCHEMA public TO wsnap_reader");
	store = open_with("-c role=wsnap_reader");
	assert_int_equal(store_check_schema(store, &err), 0);
	assert_int_equal(store_check_writable(store, &err), -1);
	database_run("DROP OWNED BY wsnap_reader; DROP ROLE wsnap_reader");
	assert_string_equal(err.message, "the database user may not insert rows of table 'snapshots'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(init_makes_the_tables_once, database_empty),
		cmocka_unit_test_setup(an_empty_database_asks_for_init, database_empty),
		cmocka_unit_test_setup(a_foreign_schema_is_left_alone, database_empty),
		cmocka_unit_test_setup(half_a_foreign_schema_is_not_filled_up, database_empty),
		cmocka_unit_test_setup(a_missing_column_is_named, database_empty),
		cmocka_unit_test_setup(a_newer_schema_is_refused_by_init, database_empty),
		cmocka_unit_test_setup(the_search_path_of_the_connection_counts, database_empty),
		cmocka_unit_test_setup(a_search_path_to_nowhere_is_an_error, database_empty),
		cmocka_unit_test_setup(reading_is_not_writing, database_empty),
		cmocka_unit_test_setup(missing_privileges_are_named, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
