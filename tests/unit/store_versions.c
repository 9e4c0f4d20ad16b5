/* Reading versions and events back, taking versions away, and rows that nobody sane wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/events.h"
#include "store/operation.h"
#include "store/versions.h"
#include "support/database.h"
#include "support/rows.h"

#define PRUNE "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb"

/* Puts the versions 1 to `count` of "box" into the tables. */
static void fill(int count)
{
	database_run(
		"INSERT INTO bots (id) VALUES ('" BOT "'); "
		"INSERT INTO containers (bot_id, container_id, container_name, image) "
		"VALUES ('" BOT "', 'box', 'box', 'busybox'); "
		"INSERT INTO snapshots (container_id, runtime_snapshot_name, snapshotter, source, created_at) "
		"SELECT 'box', 'box-v' || n, 'overlayfs', 'manual', 'epoch'::timestamptz + n * interval '1 second' "
		"FROM generate_series(1, %d) n; "
		"INSERT INTO container_versions (container_id, snapshot_id, version, created_at) "
		"SELECT container_id, id, extract(epoch FROM created_at)::int, created_at FROM snapshots",
		count);
}

struct seen {
	int count;
	int stop_at;
	int32_t last;
	char names[256];
};

static int see_version(const struct store_version *version, void *context, struct error *err)
{
	struct seen *seen = context;

	assert_true(version->version > seen->last);
	assert_true(version->created_ns == version->version * INT64_C(1000000000));
	assert_null(version->display_name);
	assert_null(version->parent);
	seen->last = version->version;
	if (++seen->count == seen->stop_at)
		return error_set(err, ERROR_BUSY, "enough");
	return 0;
}

static void versions_come_in_order_over_pages(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(store_versions_each(store, "box", see_version, &seen, &err), 0);
	assert_int_equal(seen.count, 0);
	fill(5000);
	assert_int_equal(store_versions_each(store, "box", see_version, &seen, &err), 0);
	assert_int_equal(seen.count, 5000);
	assert_int_equal(seen.last, 5000);
	seen = (struct seen){ .stop_at = 2600 };
	assert_int_equal(store_versions_each(store, "box", see_version, &seen, &err), -1);
	assert_int_equal(err.kind, ERROR_BUSY);
	assert_int_equal(seen.count, 2600);
}

static void versions_are_found(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct error err = { 0 };
	struct store_version version = { 0 };

	(void)state;
	assert_int_equal(store_version_newest(store, "box", &version, &err), 0);
	fill(3);
	database_run("UPDATE snapshots SET display_name = 'twin', parent_runtime_snapshot_name = 'below' "
		     "WHERE runtime_snapshot_name IN ('box-v1', 'box-v2')");
	assert_int_equal(store_version_newest(store, "box", &version, &err), 1);
	assert_int_equal(version.version, 3);
	store_version_release(&version);
	assert_int_equal(store_version_by_number(store, "box", 1, &version, &err), 1);
	assert_string_equal(version.runtime_name, "box-v1");
	assert_string_equal(version.snapshotter, "overlayfs");
	assert_string_equal(version.source, "manual");
	assert_string_equal(version.parent, "below");
	assert_string_equal(database_value("SELECT id FROM container_versions WHERE version = 1"), version.id);
	store_version_release(&version);
	assert_int_equal(store_version_by_name(store, "box", "twin", &version, &err), 1);
	assert_int_equal(version.version, 2);
	assert_string_equal(version.display_name, "twin");
	store_version_release(&version);
	assert_int_equal(store_version_of_snapshot(store, "box", "box-v3", &version, &err), 1);
	assert_int_equal(version.version, 3);
	store_version_release(&version);
	assert_int_equal(store_version_by_number(store, "box", 4, &version, &err), 0);
	assert_int_equal(store_version_by_name(store, "box", "TWIN", &version, &err), 0);
	assert_int_equal(store_version_of_snapshot(store, "other", "box-v3", &version, &err), 0);
}

static void names_are_matched_to_the_letter(void **state)
{
	static const char *const names[] = {
		"%", "_", "it's", "\"quoted\"", "back\\slash", "$1", "\xE2\x80\xAEright", "a  b", "Version 1",
	};
	cleanup_store struct store *store = rows_init_store();
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
		struct store_operation record = rows_create(i);

		record.display_name = names[i];
		rows_record(store, &record);
	}
	for (int i = 0; i < (int)(sizeof(names) / sizeof(*names)); i++) {
		cleanup_store_version struct store_version version = { 0 };

		assert_int_equal(store_version_by_name(store, "box", names[i], &version, &err), 1);
		assert_int_equal(version.version, i + 1);
		assert_string_equal(version.display_name, names[i]);
	}
}

static void numbers_of_pruned_versions_are_never_used_again(void **state)
{
	const int32_t gone[] = { 3, 2, 9 };
	cleanup_store struct store *store = rows_init_store();
	struct store_operation record;
	struct error err = { 0 };

	(void)state;
	for (int i = 1; i <= 3; i++) {
		record = rows_create(i);
		record.display_name = i == 3 ? "third" : NULL;
		record.version_event = EVENT_NONE;
		rows_record(store, &record);
	}
	database_run("LISTEN wsnap_saved");
	assert_int_equal(store_versions_delete(store, "box", gone, 3, PRUNE, &err), 0);
	assert_string_equal(database_notifications(), "{\"container_id\":\"box\",\"bot_id\":\"" BOT
						      "\",\"event_type\":\"version_prune\",\"version\":3}\n"
						      "{\"container_id\":\"box\",\"bot_id\":\"" BOT
						      "\",\"event_type\":\"version_prune\",\"version\":2}\n");
	assert_string_equal(database_value("SELECT count(*) || ' ' || max(version) FROM container_versions"), "1 1");
	assert_string_equal(database_value("SELECT string_agg(runtime_snapshot_name, ' ') FROM snapshots"),
			    "box-snapshot-1");
	assert_string_equal(
		database_value("SELECT concat_ws('|', id, payload->>'snapshot_name', payload->>'display_name', "
			       "payload->>'source', payload->>'operation_id', length(payload->>'version_id')) "
			       "FROM lifecycle_events WHERE payload->'version' = '3'"),
		PRUNE ":version_prune:3|box-snapshot-3|third|manual|" PRUNE "|36");
	assert_int_equal(store_versions_delete(store, "box", gone, 3, PRUNE, &err), 0);
	assert_string_equal(database_notifications(), "");
	record = rows_create(4);
	assert_int_equal(rows_record(store, &record).version, 4);
}

static void a_snapshot_that_another_version_needs_stays(void **state)
{
	const int32_t gone[] = { 1 };
	cleanup_store struct store *store = rows_init_store();
	struct error err = { 0 };

	(void)state;
	fill(1);
	database_run("INSERT INTO container_versions (container_id, snapshot_id, version) "
		     "SELECT 'box', id, 2 FROM snapshots");
	assert_int_equal(store_versions_delete(store, "box", gone, 1, PRUNE, &err), 0);
	assert_string_equal(database_value("SELECT count(*) FROM snapshots"), "1");
	assert_string_equal(database_value("SELECT version FROM container_versions"), "2");
}

static void pruning_is_all_or_nothing(void **state)
{
	const int32_t gone[] = { 1, 2 };
	cleanup_store struct store *store = rows_init_store();
	struct error err = { 0 };

	(void)state;
	fill(2);
	database_run("CREATE TABLE holds (snapshot_id uuid REFERENCES snapshots (id)); "
		     "INSERT INTO holds SELECT id FROM snapshots WHERE runtime_snapshot_name = 'box-v2'");
	assert_int_equal(store_versions_delete(store, "box", gone, 2, PRUNE, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(database_value("SELECT count(*) FROM container_versions"), "2");
	assert_string_equal(database_value("SELECT count(*) FROM lifecycle_events"), "0");
}

static int note_version(const struct store_version *version, void *context, struct error *err)
{
	struct seen *seen = context;

	(void)err;
	seen->count++;
	strncat(seen->names, version->display_name ? version->display_name : "-", 100);
	return 0;
}

static void expect_bad_row(struct store *store, const char *message)
{
	struct seen seen = { 0 };
	struct error err = { 0 };

	assert_int_equal(store_versions_each(store, "box", note_version, &seen, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, message);
}

static void hostile_rows_are_errors(void **state)
{
	cleanup_store struct store *store = rows_init_store();

	(void)state;
	fill(1);
	database_run("ALTER TABLE container_versions DROP CONSTRAINT container_versions_version_check; "
		     "UPDATE container_versions SET version = 0");
	expect_bad_row(store, "the database holds a 'version' that is out of range: '0'");
	database_run("UPDATE container_versions SET version = -2147483647");
	expect_bad_row(store, "the database holds a 'version' that is out of range: '-2147483647'");
	database_run("ALTER TABLE container_versions ALTER version TYPE bigint; "
		     "UPDATE container_versions SET version = 2147483648");
	expect_bad_row(store, "the database holds a 'version' that is out of range: '2147483648'");
	database_run("UPDATE container_versions SET version = 1, created_at = 'infinity'");
	expect_bad_row(store, "version 1: the database holds a 'created_at' that is no whole number: ''");
	database_run("UPDATE container_versions SET created_at = '4713-01-01 BC'");
	expect_bad_row(store,
		       "version 1: the database holds a 'created_at' that is out of range: '-210863520000000000'");
	database_run("ALTER TABLE container_versions ALTER id TYPE text; "
		     "UPDATE container_versions SET created_at = now(), id = E'no\\x1b[2Jid'");
	expect_bad_row(store, "version 1: the database holds a 'id' that is no UUID: 'no?[2Jid'");
	database_run("UPDATE container_versions SET id = gen_random_uuid(); "
		     "UPDATE snapshots SET source = repeat('x', 5000)");
	expect_bad_row(store,
		       "version 1: the database holds a 'source' that is too long: "
		       "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		       "xxxxxxxxxxxx'");
	database_run("ALTER TABLE snapshots ALTER source DROP NOT NULL; UPDATE snapshots SET source = NULL");
	expect_bad_row(store, "version 1: the database holds a 'source' that is null: ''");
}

static void control_characters_do_not_get_out(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	fill(2);
	database_run(
		"UPDATE snapshots SET display_name = E'a\\x1b[2J\\nb\\u009b' WHERE runtime_snapshot_name = 'box-v1'; "
		"UPDATE snapshots SET display_name = '' WHERE runtime_snapshot_name = 'box-v2'");
	assert_int_equal(store_versions_each(store, "box", note_version, &seen, &err), 0);
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.names, "a?[2J?b?"
					"?-");
}

static int see_event(const struct store_event *event, void *context, struct error *err)
{
	struct seen *seen = context;

	(void)err;
	assert_true(atoi(event->id) > seen->last);
	assert_string_equal(event->type, "other");
	assert_true(event->created_ns == atoi(event->id) / 700 * INT64_C(1000000000));
	seen->last = atoi(event->id);
	seen->count++;
	return 0;
}

static void events_come_in_order_over_pages(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct seen seen = { .last = -1 };
	struct error err = { 0 };

	(void)state;
	fill(1);
	database_run(
		"INSERT INTO lifecycle_events (id, container_id, event_type, created_at) "
		"SELECT to_char(n, 'FM00000'), 'box', 'other', 'epoch'::timestamptz + n / 700 * interval '1 second' "
		"FROM generate_series(0, 1999) n");
	assert_int_equal(store_events_each(store, "box", see_event, &seen, &err), 0);
	assert_int_equal(seen.count, 2000);
}

static int note_event(const struct store_event *event, void *context, struct error *err)
{
	struct seen *seen = context;

	(void)err;
	strncat(seen->names, event->type, 50);
	strncat(seen->names, event->payload, 50);
	return 0;
}

static void events_of_others_are_cleaned(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	struct seen seen = { 0 };
	struct error err = { 0 };

	(void)state;
	fill(1);
	database_run("INSERT INTO lifecycle_events (id, container_id, event_type, payload) "
		     "VALUES ('x', 'box', E'ev\\x07il', '[1, null]')");
	assert_int_equal(store_events_each(store, "box", note_event, &seen, &err), 0);
	assert_string_equal(seen.names, "ev?il[1, null]");
	database_run("UPDATE lifecycle_events SET payload = to_jsonb(repeat('x', 1100000))");
	seen = (struct seen){ 0 };
	assert_int_equal(store_events_each(store, "box", note_event, &seen, &err), 0);
	assert_string_equal(seen.names, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(versions_come_in_order_over_pages, database_empty),
		cmocka_unit_test_setup(versions_are_found, database_empty),
		cmocka_unit_test_setup(names_are_matched_to_the_letter, database_empty),
		cmocka_unit_test_setup(numbers_of_pruned_versions_are_never_used_again, database_empty),
		cmocka_unit_test_setup(a_snapshot_that_another_version_needs_stays, database_empty),
		cmocka_unit_test_setup(pruning_is_all_or_nothing, database_empty),
		cmocka_unit_test_setup(hostile_rows_are_errors, database_empty),
		cmocka_unit_test_setup(control_characters_do_not_get_out, database_empty),
		cmocka_unit_test_setup(events_come_in_order_over_pages, database_empty),
		cmocka_unit_test_setup(events_of_others_are_cleaned, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
