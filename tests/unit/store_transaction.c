/* Transactions that lose: against others, against the server, against the network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "store/operation.h"
#include "support/database.h"
#include "support/rows.h"

/* Runs `count` operations from `first` on in a process of its own, which ends with 0 when all worked. */
static pid_t record_elsewhere(int first, int count)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	database_forget();

	struct store *store = NULL;
	struct error err = { 0 };
	int status = store_open(NULL, &store, &err) < 0 ? 2 : 0;

	for (int i = first; status == 0 && i < first + count; i++) {
		struct store_operation record = rows_create(i);
		struct store_written recorded;

		if (store_write_operation(store, &record, &recorded, &err) < 0) {
			print_error("%s\n", err.message);
			status = err.kind;
		}
	}
	store_close(store);
	_exit(status);
}

static int wait_for(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void concurrent_operations_get_numbers_of_their_own(void **state)
{
	pid_t children[4];

	(void)state;
	store_close(rows_init_store());
	for (int i = 0; i < 4; i++)
		children[i] = record_elsewhere(i * 100, 25);
	for (int i = 0; i < 4; i++)
		assert_int_equal(wait_for(children[i]), 0);
	assert_string_equal(database_value("SELECT count(*) || ' ' || min(version) || ' ' || max(version) "
					   "FROM container_versions"),
			    "100 1 100");
	assert_string_equal(database_value("SELECT count(*) FROM lifecycle_events"), "100");
}

/* A trigger on new versions that raises SQLSTATE `code` the first `times` times. */
static void fail_first(const char *code, int times)
{
	database_run("CREATE SEQUENCE tries; CREATE FUNCTION trip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		     "IF nextval('tries') <= %d THEN RAISE EXCEPTION 'tripped' USING ERRCODE = '%s'; END IF; "
		     "RETURN NEW; END $$; "
		     "CREATE TRIGGER trip BEFORE INSERT ON container_versions FOR EACH ROW EXECUTE FUNCTION trip()",
		     times, code);
}

static void a_lost_race_is_run_again(void **state)
{
	static const char *const codes[] = { "40001", "40P01", "23505" };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		cleanup_store struct store *store = NULL;
		struct store_operation record = rows_create(1);

		database_empty(NULL);
		store = rows_init_store();
		fail_first(codes[i], 3);
		assert_int_equal(rows_record(store, &record).version, 1);
		assert_string_equal(database_value("SELECT last_value FROM tries"), "4");
		assert_string_equal(database_value("SELECT count(*) FROM lifecycle_events"), "1");
	}
}

static void a_race_is_not_lost_for_ever(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	fail_first("40001", 1000);
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the database refused: tripped");
	assert_string_equal(database_value("SELECT last_value FROM tries"), "6");
	assert_string_equal(database_value("SELECT count(*) FROM containers"), "0");
}

static void another_error_is_not_tried_again(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	fail_first("53100", 1000);
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_string_equal(err.hint, "the database server is short of disk, memory or connections");
	assert_string_equal(database_value("SELECT last_value FROM tries"), "1");
	assert_int_equal(store_check_bot(store, BOT, &err), 0);
}

static void a_connection_lost_before_commit_is_made_anew(void **state)
{
	pid_t child;
	int waiting = 0;

	(void)state;
	store_close(rows_init_store());
	database_run("BEGIN; LOCK TABLE containers");
	child = record_elsewhere(1, 1);
	for (int i = 0; i < 500 && !waiting; i++) {
		clock_sleep_ms(10);
		database_run("SELECT pg_stat_clear_snapshot()");
		waiting = atoi(database_value("SELECT coalesce(min(pid), 0) FROM pg_stat_activity "
					      "WHERE application_name = 'wsnap' AND wait_event_type = 'Lock' "
					      "AND datname = current_database()"));
	}
	assert_true(waiting > 0);
	assert_string_equal(database_value("SELECT pg_terminate_backend(%d, 5000)", waiting), "t");
	database_run("COMMIT");
	assert_int_equal(wait_for(child), 0);
	assert_string_equal(database_value("SELECT count(*) FROM container_versions"), "1");
}

static void a_lost_answer_to_commit_is_an_error(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	database_run("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
		     "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NEW; END $$; "
		     "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON lifecycle_events DEFERRABLE INITIALLY DEFERRED "
		     "FOR EACH ROW EXECUTE FUNCTION die()");
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_true(text_starts_with(err.message, "whether the database has committed is not known: "));
	database_run("DROP TRIGGER die ON lifecycle_events");
	assert_int_equal(rows_record(store, &record).version, 1);
}

static void a_transaction_is_locked_and_durable_whatever_the_default(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_operation record = rows_create(1);

	(void)state;
	store_close(rows_init_store());
	database_run("CREATE TABLE seen (value text); CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS "
		     "$$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit') || ' ' || "
		     "current_setting('transaction_isolation') || ' ' || (SELECT count(*) FROM pg_locks "
		     "WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted AND classid = 2004053601 "
		     "AND objid::bigint = hashtext('box')::bit(32)::bigint)); RETURN NEW; END $$; "
		     "CREATE TRIGGER look BEFORE INSERT ON snapshots FOR EACH ROW EXECUTE FUNCTION look()");
	setenv("PGOPTIONS", "-c synchronous_commit=off -c default_transaction_isolation=serializable", 1);
	store = rows_open_store();
	unsetenv("PGOPTIONS");
	rows_record(store, &record);
	assert_string_equal(database_value("SELECT value FROM seen"), "on read committed 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(concurrent_operations_get_numbers_of_their_own, database_empty),
		cmocka_unit_test_setup(a_lost_race_is_run_again, database_empty),
		cmocka_unit_test_setup(a_race_is_not_lost_for_ever, database_empty),
		cmocka_unit_test_setup(another_error_is_not_tried_again, database_empty),
		cmocka_unit_test_setup(a_connection_lost_before_commit_is_made_anew, database_empty),
		cmocka_unit_test_setup(a_lost_answer_to_commit_is_an_error, database_empty),
		cmocka_unit_test_setup(a_transaction_is_locked_and_durable_whatever_the_default, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
