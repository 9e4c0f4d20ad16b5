/*
 * What a row tells, as data: each column says its name (for --columns), its heading, how it gives way on a narrow terminal,
 * what of a row it shows, and which keys of JSON say the same.
 */
#ifndef WSNAP_OUTPUT_COLUMNS_H
#define WSNAP_OUTPUT_COLUMNS_H

#include "output/output.h"
#include "output/table.h"

struct column {
	const char *name;
	struct table_column kind;
	bool usual; /* it is shown unless others are asked for */
	/* Appends what the row has there; nothing shows as "-". NULL: the column is one of JSON alone. */
	void (*show)(const void *row, struct text *cell);
	/* Writes its keys. NULL: it has none. */
	void (*write)(const void *row, struct json_writer *writer);
};

/* Ended by one without a name. */
struct columns {
	const struct column *all;
	const struct column *chosen[TABLE_MAX_COLUMNS];
	size_t count;
	struct table table;
};

/* Chooses: those that `words` ("version,name") name, or where it is NULL those that are usual. ERROR_USAGE. */
int columns_choose(struct columns *columns, const struct column *all, const char *words, struct error *err);

/* Adds one that is not usual, once, in its place. */
void columns_add(struct columns *columns, const char *name);

void columns_begin(struct columns *columns, struct output *out, bool headings);
int columns_row(struct columns *columns, const void *row, struct error *err);
int columns_end(struct columns *columns, struct error *err);
void columns_release(struct columns *columns);

/* The keys of all columns, whichever are chosen: in an object of their own, or in the one that is open. */
void columns_write(const struct column *all, const void *row, struct json_writer *writer);
void columns_write_keys(const struct column *all, const void *row, struct json_writer *writer);

/* Appends what the column of that name shows. */
void columns_cell(const struct column *all, const char *name, const void *row, struct text *cell);

/* A line for each column that has something to show of the row: its heading, and that. */
int columns_print(const struct column *all, const void *row, struct output *out, struct error *err);

#define cleanup_columns __attribute__((cleanup(columns_release)))

#endif
