#include "support/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SLOTS 8

struct store *rows_open_store(void)
{
	struct store *store = NULL;
	struct error err = { 0 };

	if (store_open(NULL, &store, &err) < 0)
		fail_msg("%s", err.message);
	return store;
}

struct store *rows_init_store(void)
{
	struct store *store = rows_open_store();
	struct error err = { 0 };
	int from, to;

	if (store_init(store, &from, &to, &err) < 0)
		fail_msg("%s", err.message);
	return store;
}

const char *rows_operation(int number)
{
	static char ids[SLOTS][ID_SIZE];
	static unsigned next;
	char *id = ids[next++ % SLOTS];

	snprintf(id, ID_SIZE, "aaaaaaaa-aaaa-4aaa-8aaa-%012d", number);
	return id;
}

struct store_operation rows_create(int number)
{
	static char names[SLOTS][64];
	static unsigned next;
	char *name = names[next++ % SLOTS];

	snprintf(name, sizeof(*names), "box-snapshot-%d", number);
	return (struct store_operation){
		.operation_id = rows_operation(number),
		.container_id = "box",
		.bot_id = BOT,
		.namespace = "test",
		.image = "busybox:1",
		.status = "running",
		.runtime_name = name,
		.snapshotter = "overlayfs",
		.source = "manual",
		.version_event = EVENT_SNAPSHOT_CREATE,
	};
}

struct store_written rows_record(struct store *store, const struct store_operation *record)
{
	struct store_written recorded;
	struct error err = { 0 };

	if (store_write_operation(store, record, &recorded, &err) < 0)
		fail_msg("%s", err.message);
	return recorded;
}
