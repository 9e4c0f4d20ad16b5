/*
 * Queries with parameters, and checked values out of their rows; internal to store/.
 *
 * Parameters are sent as text without a type, so that the server takes the type of the column
 * they are compared with or written to (uuid here, text there). Every error is ERROR_DATABASE
 * with the server's primary message, cleaned; store->sqlstate keeps its code.
 */
#ifndef WSNAP_STORE_QUERY_H
#define WSNAP_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "store/connection.h"

/* Rows of a result; zeroed before use. */
struct rows {
	struct pg_result *result;
};

void rows_release(struct rows *rows);

#define cleanup_rows __attribute__((cleanup(rows_release)))

#define QUERY_COUNT(parameters) ((int)(sizeof(parameters) / sizeof(*(parameters))))

/* A decimal number as a parameter. */
struct query_number {
	char text[24];
};
struct query_number query_number(int64_t value);

/* A time as a parameter: its text, or NULL (SQL's NULL) for 0. The text lies in `time`. */
struct query_time {
	char text[CLOCK_TEXT_SIZE];
};
const char *query_time(int64_t unix_ns, struct query_time *time);

/* Runs one statement. A NULL parameter is SQL's NULL. rows may be NULL. Returns the number of its
 * rows, or -1. */
int query_rows(struct store *store, const char *sql, const char *const *parameters, int count, struct rows *rows,
	       struct error *err);

/* Runs statements of ours without parameters, several in one text. */
int query_script(struct store *store, const char *sql, struct error *err);

/* A value as text, in which control characters are replaced; NULL for SQL's NULL. Belongs to the
 * rows. Longer ones than `limit` bytes are an error. */
int rows_text_or_null(const struct rows *rows, int row, int column, size_t limit, const char **value,
		      struct error *err);

/* The same; NULL is an error. */
int rows_text(const struct rows *rows, int row, int column, const char **value, struct error *err);

/* The longest name, image or status that is taken from a row, in bytes. */
#define ROWS_TEXT_LIMIT 4096

/* A whole number between `least` and `most`. */
int rows_integer(const struct rows *rows, int row, int column, int64_t least, int64_t most, int64_t *value,
		 struct error *err);

int rows_id(const struct rows *rows, int row, int column, char id[static ID_SIZE], struct error *err);

/* SQL that reads a time as whole microseconds since 1970, NULL when it is infinite. */
#define SQL_MICROSECONDS(column) \
	"CASE WHEN isfinite(" column ") THEN (extract(epoch FROM " column ") * 1000000)::bigint END"

/* A value read with SQL_MICROSECONDS, in nanoseconds. */
int rows_time(const struct rows *rows, int row, int column, int64_t *unix_ns, struct error *err);

/* A value as the server sent it, to be handed back to it; "" for NULL. */
const char *rows_raw(const struct rows *rows, int row, int column);

/* How many there are. */
int rows_count(const struct rows *rows);

bool rows_is_null(const struct rows *rows, int row, int column);

#endif
