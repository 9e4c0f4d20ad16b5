/* Reaching the server, losing it, and what errors say about it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "store/connection.h"
#include "store/query.h"
#include "store/transaction.h"
#include "store/workspaces.h"
#include "support/database.h"
#include "support/rows.h"

#define SECRET "s3cr3t"

static void expect_error(enum error_kind kind, const char *conninfo, const char *message_part)
{
	struct store *store = NULL;
	struct error err = { 0 };

	assert_int_equal(store_open(conninfo, &store, &err), -1);
	assert_null(store);
	assert_int_equal(err.kind, kind);
	if (!strstr(err.message, message_part))
		fail_msg("'%s' is not in: %s", message_part, err.message);
	assert_null(strstr(err.message, SECRET));
	assert_null(strstr(err.hint, SECRET));
	assert_true(strlen(err.hint) > 0);
}

static void expect_failure(const char *conninfo, const char *message_part)
{
	expect_error(ERROR_DATABASE, conninfo, message_part);
}

static void expect_usage(const char *conninfo, const char *message_part)
{
	expect_error(ERROR_USAGE, conninfo, message_part);
}

static void open_store(struct store **store)
{
	struct error err = { 0 };
	int from, to;

	if (store_open("", store, &err) < 0 || store_init(*store, &from, &to, &err) < 0)
		fail_msg("%s", err.message);
}

static void a_server_that_is_not_there(void **state)
{
	(void)state;
	expect_failure("host=/nonexistent-folder", "the database cannot be reached: ");
	expect_failure("host=127.0.0.1 port=1 password=" SECRET, "Connection refused");
}

static void a_database_that_is_not_there(void **state)
{
	(void)state;
	expect_failure("wsnap_no_such_database", "database \"wsnap_no_such_database\" does not exist");
	expect_failure("dbname=" SECRET " password=" SECRET, "database \"***\" does not exist");
}

static void a_password_is_never_shown(void **state)
{
	(void)state;
	expect_failure("host=/nonexistent-" SECRET " password=" SECRET, "/nonexistent-***");
	expect_usage("host=x password='" SECRET, "connection string cannot be read");
	expect_usage("host=x password=a " SECRET, "connection string cannot be read");
	expect_usage("host=x passwort=" SECRET, "connection string cannot be read");
	expect_usage("postgres://user:%ZZ" SECRET "@host/db", "connection string cannot be read");
	expect_usage("postgress://user:" SECRET "@host/db", "connection string cannot be read");
	expect_usage("postgres://user:a@" SECRET "@host/db", "an '@' too many");
	expect_usage("postgres://user:1/" SECRET "@host/db", "an '@' too many");
	expect_usage("postgres://user:" SECRET, "a port that is no number from 1 to 65535");
	expect_usage("postgres://user:1" SECRET "/db", "a port that is no number");
	expect_usage("host=x port=5432," SECRET, "a port that is no number");
	setenv("PGPASSWORD", SECRET, 1);
	expect_failure("dbname=" SECRET, "database \"***\" does not exist");
	unsetenv("PGPASSWORD");
}

static void ports_are_numbers(void **state)
{
	static const char *const good[] = { "port=1",  "port=65535",     "port=1,2",         "port=,2",
					    "port=1,", "port=' 1 , 2 '", "postgres://h:1,i/" };
	static const char *const bad[] = { "port=0",     "port=65536",    "port=x",
					   "port=1x",    "port=-1",       "port=1;2",
					   "port='1 2'", "port=1,,65536", "postgres://h:x,i:1/" };
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (store_check_conninfo(good[i], &err) < 0)
			fail_msg("'%s': %s", good[i], err.message);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = (struct error){ 0 };
		if (store_check_conninfo(bad[i], &err) == 0 || err.kind != ERROR_USAGE)
			fail_msg("'%s' passes: %s", bad[i], err.message);
	}
	assert_int_equal(store_check_conninfo(NULL, &err), 0);
	assert_int_equal(store_check_conninfo("", &err), 0);
}

static void a_password_out_of_a_file_is_never_shown(void **state)
{
	char path[] = "/tmp/wsnap-test-passfile-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd, "*:*:*:*:" SECRET "\n"), (int)strlen("*:*:*:*:" SECRET "\n"));
	close(fd);
	setenv("PGPASSFILE", path, 1);
	expect_failure("dbname=" SECRET, "database \"***\" does not exist");
	unsetenv("PGPASSFILE");
	unlink(path);
}

static void several_hosts_make_one_line(void **state)
{
	struct store *store = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(store_open("host=/nonexistent-a,/nonexistent-b", &store, &err), -1);
	assert_non_null(strstr(err.message, "/nonexistent-a"));
	assert_non_null(strstr(err.message, "/nonexistent-b"));
	assert_false(text_has_control(err.message));
}

static void statements_have_a_limit_unless_given(void **state)
{
	cleanup_store struct store *plain = NULL;
	cleanup_store struct store *given = NULL;
	cleanup_store struct store *none = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(store_open(NULL, &plain, &err), 0);
	assert_int_equal(plain->answer_timeout_ms, 75000);
	assert_int_equal(store_open("options='-c statement_timeout=5s'", &given, &err), 0);
	assert_int_equal(given->answer_timeout_ms, 20000);
	assert_int_equal(store_open("options='-c statement_timeout=0'", &none, &err), 0);
	assert_int_equal(none->answer_timeout_ms, 0);
	assert_string_equal(database_value("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wsnap' "
					   "AND datname = current_database()"),
			    "3");
}

/* Behind a pooler in transaction mode a setting of the session would be another client's afterwards. */
static void no_setting_of_the_session_is_made(void **state)
{
	cleanup_store struct store *store = NULL;
	cleanup_rows struct rows rows = { 0 };
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	open_store(&store);
	rows_record(store, &record);
	assert_int_equal(store_rehearse_operation(store, &record, &err), 0);
	assert_int_equal(
		query_rows(store, "SELECT name FROM pg_settings WHERE source = 'session'", NULL, 0, &rows, &err), 0);
	assert_int_equal(
		query_rows(store, "SELECT WHERE current_setting('statement_timeout') <> '0'", NULL, 0, NULL, &err), 0);
}

static int look_at_limit(struct store *store, void *context, struct error *err)
{
	const char *wanted = context;

	assert_int_equal(
		query_rows(store, "SELECT WHERE current_setting('statement_timeout') = $1", &wanted, 1, NULL, err), 1);
	return 0;
}

static void a_transaction_has_the_limit(void **state)
{
	cleanup_store struct store *plain = NULL;
	cleanup_store struct store *given = NULL;
	char ours[] = "1min", theirs[] = "5s";
	struct error err = { 0 };

	(void)state;
	assert_int_equal(store_open(NULL, &plain, &err), 0);
	assert_int_equal(store_open("options='-c statement_timeout=5s'", &given, &err), 0);
	assert_int_equal(transaction_run(plain, "box", look_at_limit, ours, &err), 0);
	assert_int_equal(transaction_run(given, "box", look_at_limit, theirs, &err), 0);
}

static void tables_are_looked_for_in_the_schema_that_is_named(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_tables tables;
	struct error err = { 0 };
	int from, to;

	(void)state;
	setenv("PGOPTIONS", "-c app.kept=a\\ b", 1);
	assert_int_equal(store_open_schema("options='-c app.given=yes'", "My \\ schema", &store, &err), 0);
	assert_int_equal(query_rows(store, "SELECT WHERE current_setting('app.given') = 'yes'", NULL, 0, NULL, &err),
			 1);
	store_close(store);
	store = NULL;
	assert_int_equal(store_open_schema("", "My \\ schema", &store, &err), 0);
	unsetenv("PGOPTIONS");
	assert_int_equal(query_rows(store, "SELECT WHERE current_setting('app.kept') = 'a b'", NULL, 0, NULL, &err), 1);
	assert_int_equal(store_check_schema(store, &err), -1);
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_int_equal(store_init(store, &from, &to, &err), 0);
	assert_int_equal(store_find_tables(store, &tables, &err), 0);
	assert_string_equal(tables.schema, "My \\ schema");
	assert_true(tables.ours);
	assert_string_equal(database_value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
			    "0");
	database_run("DROP SCHEMA \"My \\ schema\" CASCADE");
}

static void the_statement_timeout_ends_a_wait(void **state)
{
	cleanup_store struct store *store = NULL;
	cleanup_store struct store *impatient = NULL;
	struct store_workspaces workspaces = { 0 };
	struct error err = { 0 };

	(void)state;
	open_store(&store);
	assert_int_equal(store_open("options='-c statement_timeout=200ms'", &impatient, &err), 0);
	database_run("BEGIN; LOCK TABLE containers");
	assert_int_equal(store_workspace_list(impatient, &workspaces, &err), -1);
	database_run("ROLLBACK");
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the database refused: canceling statement due to statement timeout");
	assert_string_equal(impatient->sqlstate, "57014");
	assert_int_equal(store_workspace_list(impatient, &workspaces, &err), 0);
	store_workspaces_release(&workspaces);
}

static int backend_pid(void)
{
	return atoi(database_value("SELECT pid FROM pg_stat_activity WHERE application_name = 'wsnap' "
				   "AND datname = current_database()"));
}

static void a_killed_connection_is_an_error_and_stays_one(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_workspaces workspaces = { 0 };
	struct error err = { 0 };

	(void)state;
	open_store(&store);
	database_value("SELECT pg_terminate_backend(%d, 5000)", backend_pid());
	for (int i = 0; i < 2; i++) {
		err = (struct error){ 0 };
		assert_int_equal(store_workspace_list(store, &workspaces, &err), -1);
		assert_int_equal(err.kind, ERROR_DATABASE);
		assert_true(text_starts_with(err.message, "the database connection was lost"));
		assert_true(strlen(err.hint) > 0);
	}
}

static void a_server_that_hangs_is_given_up(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_workspaces workspaces = { 0 };
	struct error err = { 0 };
	int pid;

	(void)state;
	open_store(&store);
	pid = backend_pid();
	store->answer_timeout_ms = 200;
	kill(pid, SIGSTOP);
	assert_int_equal(store_workspace_list(store, &workspaces, &err), -1);
	kill(pid, SIGCONT);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_non_null(strstr(err.message, "gave no answer"));
	assert_int_equal(store_workspace_list(store, &workspaces, &err), -1);
	assert_string_equal(err.message, "the database connection was lost");
}

static void a_dropped_table_asks_for_init(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_workspaces workspaces = { 0 };
	struct error err = { 0 };

	(void)state;
	open_store(&store);
	database_empty(NULL);
	assert_int_equal(store_workspace_list(store, &workspaces, &err), -1);
	assert_string_equal(err.message, "the database refused: relation \"containers\" does not exist");
	assert_string_equal(err.hint, "run 'wsnap init'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_is_not_there),
		cmocka_unit_test(a_database_that_is_not_there),
		cmocka_unit_test(a_password_is_never_shown),
		cmocka_unit_test(ports_are_numbers),
		cmocka_unit_test(a_password_out_of_a_file_is_never_shown),
		cmocka_unit_test(several_hosts_make_one_line),
		cmocka_unit_test_setup(statements_have_a_limit_unless_given, database_empty),
		cmocka_unit_test_setup(no_setting_of_the_session_is_made, database_empty),
		cmocka_unit_test_setup(a_transaction_has_the_limit, database_empty),
		cmocka_unit_test_setup(tables_are_looked_for_in_the_schema_that_is_named, database_empty),
		cmocka_unit_test_setup(the_statement_timeout_ends_a_wait, database_empty),
		cmocka_unit_test_setup(a_killed_connection_is_an_error_and_stays_one, database_empty),
		cmocka_unit_test_setup(a_server_that_hangs_is_given_up, database_empty),
		cmocka_unit_test_setup(a_dropped_table_asks_for_init, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
