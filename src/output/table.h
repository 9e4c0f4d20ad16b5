/*
 * Columns of text for people, aligned by the width that a terminal gives them.
 *
 * Rows are gathered and written in blocks, so that memory stays small however many come: the columns of
 * a later block are at least as wide as those before. Control characters and what is not UTF-8 are replaced.
 */
#ifndef WSNAP_OUTPUT_TABLE_H
#define WSNAP_OUTPUT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

#define TABLE_MAX_COLUMNS 16

/* How a column gives way where a terminal is too narrow. */
struct table_column {
	const char *heading;
	unsigned char rank; /* 0: it always stays; of the others the highest goes first */
	bool flexible;      /* it may be cut, down to TABLE_LEAST_WIDTH */
};

#define TABLE_LEAST_WIDTH 8

struct table {
	FILE *stream;
	size_t columns;
	size_t room; /* columns of the terminal; 0: lines are as long as they are */
	struct table_column kinds[TABLE_MAX_COLUMNS];
	size_t sizes[TABLE_MAX_COLUMNS]; /* what each gets of the room */
	bool dropped[TABLE_MAX_COLUMNS];
	size_t widths[TABLE_MAX_COLUMNS]; /* in terminal columns */
	struct text cells;                /* of the block, each with its NUL */
	size_t cell_count;
};

#define cleanup_table __attribute__((cleanup(table_release)))

/* Begins a table with these headings. */
void table_begin(struct table *table, FILE *stream, const char *const *headings, size_t columns);

/* The same for columns that give way where `room` (0: there is no end) is too small, with headings or without. */
void table_begin_columns(struct table *table, FILE *stream, const struct table_column *kinds, size_t columns,
			 size_t room, bool headings);

/* Adds the next cell, row by row from left to right. NULL shows as "-". */
void table_cell(struct table *table, const char *text);

/* Writes what is left. -1: no memory; then the table is not whole. */
int table_end(struct table *table, struct error *err);
void table_release(struct table *table);

/* Appends the text; what is wider than `width` columns is cut, with "…" at its end. */
void table_add_cut(struct text *to, const char *text, size_t width);

/* Terminal columns of UTF-8 text, by wcwidth(3) of the current locale. */
size_t table_width(const char *text);

#endif
