/*
 * Lists whose columns are data: each says its name (for --columns), its heading, how it gives way on a narrow terminal, and
 * what of a row it shows.
 */
#ifndef WSNAP_OUTPUT_COLUMNS_H
#define WSNAP_OUTPUT_COLUMNS_H

#include "output/output.h"
#include "output/table.h"

struct column {
	const char *name;
	struct table_column kind;
	bool usual; /* it is shown unless others are asked for */
	/* Appends what the row has there; nothing shows as "-". Missing: the row's cell is "" then. */
	void (*show)(const void *row, struct text *cell);
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

#define cleanup_columns __attribute__((cleanup(columns_release)))

#endif
