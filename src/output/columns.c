#include "output/columns.h"

#include <string.h>

#include "base/cleanup.h"

static const struct column *find(const struct column *all, const char *name, size_t length)
{
	for (; all->name; all++)
		if (all->show && strlen(all->name) == length && memcmp(all->name, name, length) == 0)
			return all;
	return NULL;
}

static int unknown(const struct column *all, const char *name, size_t length, struct error *err)
{
	cleanup_text struct text names = { 0 };

	for (; all->name; all++)
		if (all->show)
			text_printf(&names, "%s%s", names.length ? ", " : "", all->name);
	error_set(err, ERROR_USAGE, "'%.*s' is not a column of this list", (int)(length < 100 ? length : 100), name);
	return error_hint(err, "its columns are: %s", names.failed ? "" : names.data);
}

static int choose_named(struct columns *columns, const char *words, struct error *err)
{
	for (const char *at = words;;) {
		size_t length = strcspn(at, ",");
		const struct column *column = find(columns->all, at, length);

		if (!column)
			return unknown(columns->all, at, length, err);
		if (columns->count == TABLE_MAX_COLUMNS)
			return error_set(err, ERROR_USAGE, "'%.100s' has more than %d columns", words,
					 TABLE_MAX_COLUMNS);
		columns->chosen[columns->count++] = column;
		if (!at[length])
			return 0;
		at += length + 1;
	}
}

int columns_choose(struct columns *columns, const struct column *all, const char *words, struct error *err)
{
	*columns = (struct columns){ .all = all };
	if (words)
		return choose_named(columns, words, err);
	for (; all->name; all++)
		if (all->usual)
			columns->chosen[columns->count++] = all;
	return 0;
}

/* The columns stand in the order of the whole. */
void columns_add(struct columns *columns, const char *name)
{
	const struct column *column = find(columns->all, name, strlen(name));
	size_t place = 0;

	while (place < columns->count && columns->chosen[place] < column)
		place++;
	if (!column || columns->count == TABLE_MAX_COLUMNS ||
	    (place < columns->count && columns->chosen[place] == column))
		return;
	memmove(columns->chosen + place + 1, columns->chosen + place,
		(columns->count - place) * sizeof(*columns->chosen));
	columns->chosen[place] = column;
	columns->count++;
}

void columns_begin(struct columns *columns, struct output *out, bool headings)
{
	struct table_column kinds[TABLE_MAX_COLUMNS];

	for (size_t i = 0; i < columns->count; i++)
		kinds[i] = columns->chosen[i]->kind;
	table_begin_columns(&columns->table, out->stream, kinds, columns->count, out->columns, headings);
}

int columns_row(struct columns *columns, const void *row, struct error *err)
{
	for (size_t i = 0; i < columns->count; i++) {
		cleanup_text struct text cell = { 0 };

		columns->chosen[i]->show(row, &cell);
		if (cell.failed)
			return error_memory(err);
		table_cell(&columns->table, cell.data);
	}
	return 0;
}

int columns_end(struct columns *columns, struct error *err)
{
	return table_end(&columns->table, err);
}

void columns_release(struct columns *columns)
{
	table_release(&columns->table);
}

void columns_write_keys(const struct column *all, const void *row, struct json_writer *writer)
{
	for (; all->name; all++)
		if (all->write)
			all->write(row, writer);
}

void columns_write(const struct column *all, const void *row, struct json_writer *writer)
{
	writer_object(writer, NULL);
	columns_write_keys(all, row, writer);
	writer_close(writer);
}

void columns_cell(const struct column *all, const char *name, const void *row, struct text *cell)
{
	const struct column *column = find(all, name, strlen(name));

	if (column)
		column->show(row, cell);
}

/* Headings are padded to this. */
#define PRINT_WIDTH 12

int columns_print(const struct column *all, const void *row, struct output *out, struct error *err)
{
	for (; all->name; all++) {
		cleanup_text struct text cell = { 0 };

		if (!all->show)
			continue;
		all->show(row, &cell);
		if (cell.failed)
			return error_memory(err);
		if (cell.length)
			output_line(out, "%-*s %s", PRINT_WIDTH, all->kind.heading, cell.data);
	}
	return 0;
}
