/* A store with a schema, and operations to record, as the tests of the store need them. */
#ifndef TESTS_SUPPORT_ROWS_H
#define TESTS_SUPPORT_ROWS_H

#include "store/operation.h"
#include "store/store.h"

#define BOT "11111111-1111-4111-8111-111111111111"
#define OTHER_BOT "22222222-2222-4222-8222-222222222222"

/* Opens the store on the test's database; a failure fails the test. */
struct store *rows_open_store(void);

/* The same, and makes wsnap's own schema. */
struct store *rows_init_store(void);

/* The id of operation `number`. Valid until the next call but seven. */
const char *rows_operation(int number);

/* A `create` of container "box": operation `number` saved the snapshot "box-snapshot-<number>". Its texts
 * are valid until the next call but seven. */
struct store_operation rows_create(int number);

/* Records it; a failure fails the test. */
struct store_written rows_record(struct store *store, const struct store_operation *record);

#endif
