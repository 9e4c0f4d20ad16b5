/* What the transaction of an operation writes, and that it writes it once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/operation.h"
#include "support/database.h"
#include "support/rows.h"

#define CREATED_NS INT64_C(1700000000123456000)

static void the_first_operation_makes_the_workspace(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;

	(void)state;
	record.display_name = "before the upgrade";
	record.parent = "sha256:base";
	record.created_ns = CREATED_NS;
	record.stopped_ns = CREATED_NS + 1000000;
	record.started_ns = CREATED_NS + 2000000;
	recorded = rows_record(store, &record);
	assert_int_equal(recorded.version, 1);
	assert_true(recorded.created_ns == CREATED_NS);
	assert_string_equal(database_value("SELECT id FROM container_versions"), recorded.version_id);
	assert_string_equal(database_value("SELECT concat_ws('|', bot_id, container_id, container_name, image, status, "
					   "namespace, auto_start, container_path, "
					   "extract(epoch FROM last_stopped_at), extract(epoch FROM last_started_at)) "
					   "FROM containers"),
			    BOT "|box|box|busybox:1|running|test|t|/data|1700000000.124456|1700000000.125456");
	assert_string_equal(database_value("SELECT concat_ws('|', container_id, runtime_snapshot_name, display_name, "
					   "parent_runtime_snapshot_name, snapshotter, source, "
					   "extract(epoch FROM created_at)) FROM snapshots"),
			    "box|box-snapshot-1|before the upgrade|sha256:base|overlayfs|manual|1700000000.123456");
	assert_string_equal(database_value("SELECT count(*) FROM bots WHERE id = '" BOT "'"), "1");
}

static void a_later_operation_keeps_what_it_does_not_know(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	record.stopped_ns = record.started_ns = CREATED_NS;
	rows_record(store, &record);
	database_run("UPDATE containers SET namespace = 'kept', auto_start = false, container_path = '/kept', "
		     "container_name = 'kept'");
	record = rows_create(2);
	record.image = "busybox:2";
	record.status = "stopped";
	record.stopped_ns = CREATED_NS - 1000000000;
	assert_int_equal(rows_record(store, &record).version, 2);
	assert_string_equal(
		database_value("SELECT concat_ws('|', namespace, auto_start, container_path, container_name, "
			       "image, status, extract(epoch FROM last_stopped_at)) FROM containers"),
		"kept|f|/kept|kept|busybox:2|stopped|1700000000.123456");
}

static void what_is_recorded_late_tells_nothing_of_the_present(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	rows_record(store, &record);
	record = rows_create(2);
	record.status = "stopped";
	record.image = "busybox:0";
	record.is_late = true;
	assert_int_equal(rows_record(store, &record).version, 2);
	assert_string_equal(database_value("SELECT image || ' ' || status FROM containers"), "busybox:1 running");
}

/* Whatever a rehearsal does is taken back, numbers of versions and notifications included. */
static void a_rehearsal_leaves_nothing(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	database_run("LISTEN wsnap_lifecycle");
	assert_int_equal(store_rehearse_operation(store, &record, &err), 0);
	assert_string_equal(
		database_value("SELECT (SELECT count(*) FROM bots) || ' ' || (SELECT count(*) FROM containers) "
			       "|| ' ' || (SELECT count(*) FROM lifecycle_events)"),
		"0 0 0");
	assert_string_equal(database_notifications(), "");
	assert_int_equal(rows_record(store, &record).version, 1);
	database_run("ALTER TABLE snapshots ADD CONSTRAINT short CHECK (length(runtime_snapshot_name) < 15)");
	record = rows_create(12345);
	assert_int_equal(store_rehearse_operation(store, &record, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_non_null(strstr(err.message, "\"short\""));
	assert_true(store_has_judged(store));
}

/* A lock says nothing of the rows; a connection that was lost is made again. */
static void a_rehearsal_waits_for_nobody(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct error err = { 0 };
	double since_ms = clock_monotonic_ms();

	(void)state;
	database_run("BEGIN; LOCK TABLE snapshots IN SHARE MODE");
	assert_int_equal(store_rehearse_operation(store, &record, &err), 0);
	assert_true(clock_monotonic_ms() - since_ms < 10000);
	database_run("ROLLBACK");
	database_value("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
		       "WHERE application_name = 'wsnap' AND datname = current_database()");
	assert_int_equal(store_rehearse_operation(store, &record, &err), 0);
	assert_int_equal(rows_record(store, &record).version, 1);
}

static void again_writes_nothing_more(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written first, second;
	struct store_operation later;

	(void)state;
	record.rolled_back_to = 7;
	record.rollback_runtime_name = "box-v7";
	first = rows_record(store, &record);
	later = rows_create(2);
	rows_record(store, &later);
	database_run("LISTEN wsnap_lifecycle");
	second = rows_record(store, &record);
	assert_int_equal(second.version, 1);
	assert_string_equal(second.version_id, first.version_id);
	assert_true(second.created_ns == first.created_ns);
	assert_string_equal(database_notifications(), "");
	assert_string_equal(database_value("SELECT (SELECT count(*) FROM snapshots) || ' ' || "
					   "(SELECT count(*) FROM container_versions) || ' ' || "
					   "(SELECT count(*) FROM lifecycle_events)"),
			    "2 2 3");
}

static void events_of_a_create(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	database_run("LISTEN wsnap_lifecycle");
	rows_record(store, &record);
	assert_string_equal(database_notifications(), "{\"container_id\":\"box\",\"bot_id\":\"" BOT
						      "\",\"event_type\":\"snapshot_create\",\"version\":1}\n");
	assert_string_equal(database_value("SELECT id || ' ' || event_type FROM lifecycle_events"),
			    "aaaaaaaa-aaaa-4aaa-8aaa-000000000001:snapshot_create snapshot_create");
	assert_string_equal(
		database_value("SELECT payload = '{\"snapshot_name\": \"Version 1\", \"display_name\": null, "
			       "\"runtime_snapshot_name\": \"box-snapshot-1\", "
			       "\"snapshotter\": \"overlayfs\", \"source\": \"manual\", \"version\": 1, "
			       "\"operation_id\": \"aaaaaaaa-aaaa-4aaa-8aaa-000000000001\"}' "
			       "FROM lifecycle_events"),
		"t");
	record = rows_create(2);
	record.display_name = "näme";
	rows_record(store, &record);
	assert_string_equal(database_value("SELECT payload->>'snapshot_name' || ' ' || (payload->>'display_name') "
					   "FROM lifecycle_events WHERE payload->>'version' = '2'"),
			    "näme näme");
}

static void events_of_a_version(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;

	(void)state;
	record.version_event = EVENT_VERSION_CREATE;
	record.source = "pre_exec";
	recorded = rows_record(store, &record);
	assert_string_equal(database_value("SELECT concat_ws('|', event_type, payload->>'snapshot_name', "
					   "payload->'version', payload->>'source') FROM lifecycle_events"),
			    "version_create|box-snapshot-1|1|pre_exec");
	assert_string_equal(database_value("SELECT payload->>'version_id' FROM lifecycle_events"), recorded.version_id);
}

static void events_of_a_rollback(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	rows_record(store, &record);
	database_run("LISTEN wsnap_lifecycle");
	record = rows_create(2);
	record.source = "rollback";
	record.version_event = EVENT_VERSION_CREATE;
	record.rolled_back_to = 1;
	record.rollback_runtime_name = "box-snapshot-1";
	assert_int_equal(rows_record(store, &record).version, 2);
	assert_string_equal(database_value("SELECT payload = '{\"snapshot_name\": \"box-snapshot-1\", \"version\": 1, "
					   "\"source\": \"rollback\", \"saved_version\": 2, "
					   "\"operation_id\": \"aaaaaaaa-aaaa-4aaa-8aaa-000000000002\"}' "
					   "FROM lifecycle_events WHERE event_type = 'version_rollback'"),
			    "t");
	assert_string_equal(database_notifications(), "{\"container_id\":\"box\",\"bot_id\":\"" BOT
						      "\",\"event_type\":\"version_create\",\"version\":2}\n"
						      "{\"container_id\":\"box\",\"bot_id\":\"" BOT
						      "\",\"event_type\":\"version_rollback\",\"version\":1}\n");
}

static void a_rollback_that_saved_nothing(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;

	(void)state;
	record.runtime_name = NULL;
	record.rolled_back_to = 3;
	record.rollback_runtime_name = "box-v3";
	recorded = rows_record(store, &record);
	assert_int_equal(recorded.version, 0);
	assert_string_equal(recorded.version_id, "");
	assert_string_equal(database_value("SELECT payload ? 'saved_version' FROM lifecycle_events"), "f");
	assert_string_equal(database_value("SELECT count(*) FROM snapshots"), "0");
}

static void hostile_texts_are_only_texts(void **state)
{
	static const char hostile[] = "'; DROP TABLE bots; -- $1 %s \\ \" {} \xF0\x9F\x90\xB3";
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	record.display_name = hostile;
	record.source = hostile;
	record.image = hostile;
	rows_record(store, &record);
	assert_string_equal(database_value("SELECT display_name FROM snapshots"), hostile);
	assert_string_equal(database_value("SELECT payload->>'source' FROM lifecycle_events"), hostile);
	assert_string_equal(database_value("SELECT image FROM containers"), hostile);
}

static void a_known_version_is_taken_if_free(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	record.known_version = 41;
	record.version_event = EVENT_NONE;
	assert_int_equal(rows_record(store, &record).version, 41);
	assert_int_equal(rows_record(store, &record).version, 41);
	assert_string_equal(database_value("SELECT count(*) FROM lifecycle_events"), "0");
	record = rows_create(2);
	record.known_version = 41;
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "version 41 of 'box' is another snapshot's");
	assert_string_equal(database_value("SELECT count(*) FROM snapshots"), "1");
	record.known_version = 0;
	assert_int_equal(rows_record(store, &record).version, 42);
}

static void numbers_end_at_int32(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	record.known_version = INT32_MAX;
	rows_record(store, &record);
	record = rows_create(2);
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "'box' has used up its version numbers: the last is 2147483647");
}

static void strange_events_do_not_spoil_the_numbers(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record = rows_create(1);

	(void)state;
	rows_record(store, &record);
	database_run("INSERT INTO lifecycle_events (id, container_id, event_type, payload) VALUES "
		     "('a', 'box', 'version_prune', '{\"version\": 9999999999}'), "
		     "('b', 'box', 'version_prune', '{\"version\": 99999999999999999999}'), "
		     "('c', 'box', 'version_prune', '{\"version\": \"-5\"}'), "
		     "('d', 'box', 'version_prune', '{\"version\": {}}'), ('e', 'box', 'version_prune', '[1]'), "
		     "('f', 'box', 'version_prune', '7'), ('g', 'box', 'other', '{\"version\": 70}'), "
		     "('h', 'box', 'version_prune', '{\"version\": 1.5}')");
	record = rows_create(2);
	assert_int_equal(rows_record(store, &record).version, 2);
}

static void another_servers_tables(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_operation record = rows_create(1);
	struct store_written recorded;
	struct error err = { 0 };

	(void)state;
	database_make_foreign();
	store = rows_open_store();
	assert_int_equal(store_check_bot(store, BOT, &err), -1);
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	assert_string_equal(err.message, "bot '" BOT "' has no row in the table bots");
	assert_int_equal(store_write_operation(store, &record, &recorded, &err), -1);
	assert_int_equal(err.kind, ERROR_NOT_FOUND);
	assert_string_equal(database_value("SELECT count(*) FROM containers"), "0");
	database_run("INSERT INTO bots (id, owner) VALUES ('" BOT "', 'me')");
	assert_int_equal(store_check_bot(store, BOT, &err), 0);
	assert_int_equal(rows_record(store, &record).version, 1);
	assert_int_equal(rows_record(store, &record).version, 1);
	database_run("UPDATE containers SET updated_at = '2020-01-01Z', status = 'stopped'");
	record = rows_create(2);
	assert_int_equal(rows_record(store, &record).version, 2);
	assert_string_equal(database_value("SELECT status || ' ' || extract(epoch FROM updated_at) FROM containers"),
			    "running 1577836800.000000");
	assert_string_equal(database_value("SELECT count(DISTINCT team_id) || ' ' || count(*) FROM lifecycle_events"),
			    "1 2");
}

/* Row-level security that follows a setting given in the connection's options. */
static void teams_do_not_see_each_other(void **state)
{
	cleanup_store struct store *store = NULL;
	struct store_operation record = rows_create(1);

	(void)state;
	database_make_foreign();
	database_run("CREATE ROLE wsnap_team; GRANT ALL ON ALL TABLES IN SCHEMA public TO wsnap_team; "
		     "GRANT USAGE ON SCHEMA public TO wsnap_team; "
		     "DO $$ DECLARE t text; BEGIN FOREACH t IN ARRAY '{bots,containers,snapshots,container_versions,"
		     "lifecycle_events}'::text[] LOOP EXECUTE format('ALTER TABLE %%I ENABLE ROW LEVEL SECURITY', t); "
		     "EXECUTE format('CREATE POLICY team ON %%I USING (team_id = team())', t); END LOOP; END $$; "
		     "INSERT INTO bots (id, owner) VALUES ('" BOT "', 'first'); "
		     "INSERT INTO bots (team_id, id, owner) VALUES ('00000000-0000-4000-8000-000000000002', '" BOT "', "
		     "'second')");
	store = rows_open_store();
	rows_record(store, &record);
	store_close(store);
	setenv("PGOPTIONS", "-c role=wsnap_team -c app.team=00000000-0000-4000-8000-000000000002", 1);
	store = rows_open_store();
	unsetenv("PGOPTIONS");
	record = rows_create(2);
	assert_int_equal(rows_record(store, &record).version, 1);
	database_run("DROP OWNED BY wsnap_team; DROP ROLE wsnap_team");
	assert_string_equal(database_value("SELECT count(DISTINCT team_id) || ' ' || count(*) FROM container_versions"),
			    "2 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_first_operation_makes_the_workspace, database_empty),
		cmocka_unit_test_setup(a_later_operation_keeps_what_it_does_not_know, database_empty),
		cmocka_unit_test_setup(what_is_recorded_late_tells_nothing_of_the_present, database_empty),
		cmocka_unit_test_setup(a_rehearsal_leaves_nothing, database_empty),
		cmocka_unit_test_setup(a_rehearsal_waits_for_nobody, database_empty),
		cmocka_unit_test_setup(again_writes_nothing_more, database_empty),
		cmocka_unit_test_setup(events_of_a_create, database_empty),
		cmocka_unit_test_setup(events_of_a_version, database_empty),
		cmocka_unit_test_setup(events_of_a_rollback, database_empty),
		cmocka_unit_test_setup(a_rollback_that_saved_nothing, database_empty),
		cmocka_unit_test_setup(hostile_texts_are_only_texts, database_empty),
		cmocka_unit_test_setup(a_known_version_is_taken_if_free, database_empty),
		cmocka_unit_test_setup(numbers_end_at_int32, database_empty),
		cmocka_unit_test_setup(strange_events_do_not_spoil_the_numbers, database_empty),
		cmocka_unit_test_setup(another_servers_tables, database_empty),
		cmocka_unit_test_setup(teams_do_not_see_each_other, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
