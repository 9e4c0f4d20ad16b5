#include "output/table.h"

#include <string.h>
#include <wchar.h>

/* Rows of a block. */
#define TABLE_BLOCK_ROWS 1000
#define TABLE_GAP 2

/* The character at `s`, which is UTF-8; *s goes past it. */
static wchar_t next_character(const unsigned char **s)
{
	const unsigned char *at = *s;
	wchar_t character = *at < 0x80 ? *at : *at < 0xe0 ? *at & 0x1f : *at < 0xf0 ? *at & 0x0f : *at & 0x07;

	for (at++; (*at & 0xc0) == 0x80; at++)
		character = character << 6 | (*at & 0x3f);
	*s = at;
	return character;
}

size_t table_width(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t width = 0;

	while (*s) {
		int columns = wcwidth(next_character(&s));

		width += columns < 0 ? 1 : (size_t)columns;
	}
	return width;
}

void table_add_cut(struct text *to, const char *text, size_t width)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t used = 0;

	if (table_width(text) <= width) {
		text_add(to, text);
		return;
	}
	while (width > 0 && *at) {
		const unsigned char *next = at;
		int columns = wcwidth(next_character(&next));

		columns = columns < 0 ? 1 : columns;
		if (used + (size_t)columns > width - 1)
			break;
		text_append(to, at, (size_t)(next - at));
		used += (size_t)columns;
		at = next;
	}
	if (width > 0)
		text_add(to, "…");
}

/* The last column is not padded: no line ends with spaces for nothing. */
static const char *write_row(struct table *table, const char *cell)
{
	size_t owed = 0;

	for (size_t column = 0; column < table->columns; column++) {
		size_t width = table_width(cell);

		if (*cell) {
			fprintf(table->stream, "%*s%s", (int)owed, "", cell);
			owed = 0;
		}
		owed += table->widths[column] + TABLE_GAP - (*cell ? width : 0);
		cell += strlen(cell) + 1;
	}
	putc('\n', table->stream);
	return cell;
}

static void write_block(struct table *table)
{
	const char *cell = table->cells.data;

	for (size_t row = 0; row < table->cell_count / table->columns && !table->cells.failed; row++)
		cell = write_row(table, cell);
	table->cells.length = 0;
	table->cell_count = 0;
}

void table_cell(struct table *table, const char *text)
{
	size_t start = table->cells.length, width;

	text_add(&table->cells, text ? text : "-");
	text_append(&table->cells, "", 1);
	if (table->cells.failed)
		return;
	text_clean(table->cells.data + start);
	width = table_width(table->cells.data + start);
	if (width > table->widths[table->cell_count % table->columns])
		table->widths[table->cell_count % table->columns] = width;
	if (++table->cell_count == table->columns * TABLE_BLOCK_ROWS)
		write_block(table);
}

void table_begin(struct table *table, FILE *stream, const char *const *headings, size_t columns)
{
	*table = (struct table){ .stream = stream, .columns = columns };
	for (size_t i = 0; i < columns; i++)
		table_cell(table, headings[i]);
}

int table_end(struct table *table, struct error *err)
{
	if (table->cells.failed)
		return error_memory(err);
	write_block(table);
	return 0;
}

void table_release(struct table *table)
{
	text_release(&table->cells);
}
