#include "output/table.h"

#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"

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

/* Columns that are left, and what they need with the gaps between them. */
static size_t needed(const struct table *table)
{
	size_t total = 0, count = 0;

	for (size_t i = 0; i < table->columns; i++) {
		if (table->dropped[i])
			continue;
		total += table->sizes[i];
		count++;
	}
	return count ? total + (count - 1) * TABLE_GAP : 0;
}

/* Takes a column's width from the widest that can give. */
static bool shrink(struct table *table)
{
	size_t widest = table->columns;

	for (size_t i = 0; i < table->columns; i++)
		if (!table->dropped[i] && table->kinds[i].flexible && table->sizes[i] > TABLE_LEAST_WIDTH &&
		    (widest == table->columns || table->sizes[i] > table->sizes[widest]))
			widest = i;
	if (widest == table->columns)
		return false;
	table->sizes[widest]--;
	return true;
}

static bool drop(struct table *table)
{
	size_t first = table->columns;

	for (size_t i = 0; i < table->columns; i++)
		if (!table->dropped[i] && table->kinds[i].rank &&
		    (first == table->columns || table->kinds[i].rank > table->kinds[first].rank))
			first = i;
	if (first == table->columns)
		return false;
	table->dropped[first] = true;
	memcpy(table->sizes, table->widths, sizeof(table->sizes));
	return true;
}

/* First those that may be cut give way, then whole columns. */
static void lay_out(struct table *table)
{
	memcpy(table->sizes, table->widths, sizeof(table->sizes));
	while (table->room && needed(table) > table->room)
		if (!shrink(table) && !drop(table))
			return;
}

static void write_cell(struct table *table, const char *cell, size_t owed, size_t width)
{
	cleanup_text struct text cut = { 0 };

	table_add_cut(&cut, cell, width);
	fprintf(table->stream, "%*s%s", (int)owed, "", cut.data && !cut.failed ? cut.data : "");
}

/* The last column is not padded: no line ends with spaces for nothing. */
static const char *write_row(struct table *table, const char *cell)
{
	size_t owed = 0;

	for (size_t column = 0; column < table->columns; column++) {
		size_t width = table_width(cell), size = table->sizes[column];

		width = width > size ? size : width;
		if (*cell && !table->dropped[column]) {
			write_cell(table, cell, owed, size);
			owed = 0;
		}
		if (!table->dropped[column])
			owed += size + TABLE_GAP - (*cell ? width : 0);
		cell += strlen(cell) + 1;
	}
	putc('\n', table->stream);
	return cell;
}

static void write_block(struct table *table)
{
	const char *cell = table->cells.data;

	lay_out(table);
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

void table_begin_columns(struct table *table, FILE *stream, const struct table_column *kinds, size_t columns,
			 size_t room, bool headings)
{
	*table = (struct table){ .stream = stream, .columns = columns, .room = room };
	for (size_t i = 0; i < columns; i++)
		table->kinds[i] = kinds[i];
	for (size_t i = 0; i < columns && headings; i++)
		table_cell(table, kinds[i].heading);
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
