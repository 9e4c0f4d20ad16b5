/*
 * A list of rows in the form that is asked for: a table for people, an array in JSON, or with --quiet one cell of each. What
 * a row shows and which keys it has is said once, by the columns.
 */
#ifndef WSNAP_OUTPUT_SHEET_H
#define WSNAP_OUTPUT_SHEET_H

#include "output/columns.h"

/* Set `out`, `all`, `key` and `quiet`, the rest to zero. */
struct sheet {
	struct output *out;
	const struct column *all;
	const char *key;   /* of the array */
	const char *quiet; /* the name of the column that is all of a row with --quiet */
	const char *words; /* which columns, as columns_choose() takes them */
	bool no_header;
	struct columns columns;
	struct json_writer writer;
};

/* Chooses the columns; more can be added to them then. ERROR_USAGE. */
int sheet_choose(struct sheet *sheet, struct error *err);

/* The object around the array, for keys in front of it; NULL where it is no JSON. */
struct json_writer *sheet_open(struct sheet *sheet);

void sheet_begin(struct sheet *sheet);
int sheet_row(struct sheet *sheet, const void *row, struct error *err);
int sheet_end(struct sheet *sheet, struct error *err);
void sheet_release(struct sheet *sheet);

#define cleanup_sheet __attribute__((cleanup(sheet_release)))

#endif
