/* The rows of containers and bots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "store/workspaces.h"
#include "support/database.h"
#include "support/rows.h"

static void workspaces_are_listed_by_container(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	cleanup_store_workspaces struct store_workspaces workspaces = { 0 };
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	record.created_ns = INT64_C(1700000000123456000);
	rows_record(store, &record);
	record = rows_create(2);
	record.created_ns = INT64_C(1700000001000000000);
	rows_record(store, &record);
	record = rows_create(3);
	record.container_id = "Zebra";
	record.bot_id = OTHER_BOT;
	record.runtime_name = NULL;
	record.status = "stopped";
	rows_record(store, &record);
	assert_int_equal(store_workspace_list(store, &workspaces, &err), 0);
	assert_int_equal(workspaces.count, 2);
	assert_string_equal(workspaces.items[0].container_id, "Zebra");
	assert_string_equal(workspaces.items[0].bot_id, OTHER_BOT);
	assert_string_equal(workspaces.items[0].status, "stopped");
	assert_int_equal(workspaces.items[0].versions, 0);
	assert_int_equal(workspaces.items[0].newest, 0);
	assert_null(workspaces.items[0].newest_at);
	assert_string_equal(workspaces.items[1].container_id, "box");
	assert_string_equal(workspaces.items[1].namespace, "test");
	assert_string_equal(workspaces.items[1].image, "busybox:1");
	assert_int_equal(workspaces.items[1].versions, 2);
	assert_int_equal(workspaces.items[1].newest, 2);
	assert_string_equal(workspaces.items[1].newest_at, "2023-11-14T22:13:21.000000Z");
}

static void a_workspace_is_found_by_container_and_by_bot(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	cleanup_store_workspace struct store_workspace workspace = { 0 };
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	rows_record(store, &record);
	record = rows_create(2);
	record.container_id = "newer";
	rows_record(store, &record);
	database_run("UPDATE containers SET created_at = now() + interval '1 day', "
		     "updated_at = now() - interval '1 day' WHERE container_id = 'box'");
	assert_int_equal(store_workspace_of_container(store, "box", &workspace, &err), 1);
	assert_string_equal(workspace.bot_id, BOT);
	store_workspace_release(&workspace);
	assert_int_equal(store_workspace_of_bot(store, BOT, &workspace, &err), 1);
	assert_string_equal(workspace.container_id, "newer");
	store_workspace_release(&workspace);
	assert_int_equal(store_workspace_of_bot(store, OTHER_BOT, &workspace, &err), 0);
	assert_int_equal(store_workspace_of_bot(store, "no uuid", &workspace, &err), 0);
	assert_int_equal(store_workspace_of_container(store, "none", &workspace, &err), 0);
}

static void backends_without_containers_are_passed_over(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	cleanup_store_workspace struct store_workspace workspace = { 0 };
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	rows_record(store, &record);
	record = rows_create(2);
	record.container_id = "newer";
	rows_record(store, &record);
	database_run("ALTER TABLE containers ADD workspace_backend text; UPDATE containers SET "
		     "updated_at = now() - interval '1 day' WHERE container_id = 'box'; "
		     "UPDATE containers SET workspace_backend = 'archive' WHERE container_id = 'newer'");
	assert_int_equal(store_workspace_of_bot(store, BOT, &workspace, &err), 1);
	assert_string_equal(workspace.container_id, "box");
	store_workspace_release(&workspace);
	database_run("UPDATE containers SET workspace_backend = 'container'");
	assert_int_equal(store_workspace_of_bot(store, BOT, &workspace, &err), 1);
	assert_string_equal(workspace.container_id, "newer");
	store_workspace_release(&workspace);
	database_run("UPDATE containers SET workspace_backend = 'local'");
	assert_int_equal(store_workspace_of_bot(store, BOT, &workspace, &err), 0);
}

static void two_teams_containers_of_one_id_are_nobodys(void **state)
{
	cleanup_store struct store *store = NULL;
	cleanup_store_workspace struct store_workspace workspace = { 0 };
	struct error err = { 0 };

	(void)state;
	database_make_foreign();
	database_run("INSERT INTO bots (team_id, id, owner) SELECT t, '" BOT "', 'me' FROM unnest(ARRAY["
		     "'00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']::uuid[]) t; "
		     "INSERT INTO containers (team_id, bot_id, container_id, container_name, image) "
		     "SELECT team_id, id, 'box', 'box', '' FROM bots");
	store = rows_open_store();
	assert_int_equal(store_workspace_of_container(store, "box", &workspace, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.message,
			    "'box' has several rows in the table containers, of team 00000000-0000-4000-8000-"
			    "000000000001 and team 00000000-0000-4000-8000-000000000002");
}

static void a_bot_and_its_metadata(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	cleanup_free char *metadata = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(store_bot_exists(store, BOT, &err), 0);
	assert_int_equal(store_bot_metadata(store, BOT, &metadata, &err), 0);
	database_run("INSERT INTO bots (id, metadata) VALUES ('" BOT "', '{\"a\": [1]}'), ('" OTHER_BOT "', 'null')");
	assert_int_equal(store_bot_exists(store, BOT, &err), 1);
	assert_int_equal(store_bot_exists(store, "'", &err), 0);
	assert_int_equal(store_bot_metadata(store, BOT, &metadata, &err), 1);
	assert_string_equal(metadata, "{\"a\": [1]}");
	free(steal_pointer(metadata));
	assert_int_equal(store_bot_metadata(store, OTHER_BOT, &metadata, &err), 0);
	assert_null(metadata);
}

static void a_schema_without_metadata_has_none(void **state)
{
	cleanup_store struct store *store = NULL;
	char *metadata = NULL;
	struct error err = { 0 };

	(void)state;
	database_make_foreign();
	database_run("INSERT INTO bots (id, owner) VALUES ('" BOT "', 'me')");
	store = rows_open_store();
	assert_int_equal(store_bot_exists(store, BOT, &err), 1);
	assert_int_equal(store_bot_metadata(store, BOT, &metadata, &err), 0);
	assert_null(metadata);
}

static void ids_may_be_texts_but_must_be_uuids(void **state)
{
	cleanup_store struct store *store = rows_init_store();
	cleanup_store_workspace struct store_workspace workspace = { 0 };
	struct store_operation record = rows_create(1);
	struct error err = { 0 };

	(void)state;
	database_run("ALTER TABLE containers DROP CONSTRAINT containers_bot_id_fkey; "
		     "ALTER TABLE bots ALTER id DROP DEFAULT, ALTER id TYPE text; "
		     "ALTER TABLE containers ALTER bot_id TYPE text");
	rows_record(store, &record);
	assert_int_equal(store_workspace_of_bot(store, BOT, &workspace, &err), 1);
	store_workspace_release(&workspace);
	database_run("UPDATE containers SET bot_id = 'robot'");
	assert_int_equal(store_workspace_of_container(store, "box", &workspace, &err), -1);
	assert_int_equal(err.kind, ERROR_DATABASE);
	assert_string_equal(err.message, "the row of 'box': the database holds a 'bot_id' that is no UUID: 'robot'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(workspaces_are_listed_by_container, database_empty),
		cmocka_unit_test_setup(a_workspace_is_found_by_container_and_by_bot, database_empty),
		cmocka_unit_test_setup(backends_without_containers_are_passed_over, database_empty),
		cmocka_unit_test_setup(two_teams_containers_of_one_id_are_nobodys, database_empty),
		cmocka_unit_test_setup(a_bot_and_its_metadata, database_empty),
		cmocka_unit_test_setup(a_schema_without_metadata_has_none, database_empty),
		cmocka_unit_test_setup(ids_may_be_texts_but_must_be_uuids, database_empty),
	};

	return cmocka_run_group_tests(tests, database_create, database_drop);
}
