#include "output/sheet.h"

#include "base/cleanup.h"

static bool is_table(const struct sheet *sheet)
{
	return !sheet->out->json && !sheet->out->quiet;
}

int sheet_choose(struct sheet *sheet, struct error *err)
{
	return columns_choose(&sheet->columns, sheet->all, sheet->words, err);
}

struct json_writer *sheet_open(struct sheet *sheet)
{
	if (!sheet->out->json)
		return NULL;
	sheet->writer.stream = sheet->out->stream;
	if (!sheet->writer.depth)
		writer_object(&sheet->writer, NULL);
	return &sheet->writer;
}

void sheet_begin(struct sheet *sheet)
{
	struct json_writer *writer = sheet_open(sheet);

	if (writer)
		writer_array(writer, sheet->key);
	if (is_table(sheet))
		columns_begin(&sheet->columns, sheet->out, !sheet->no_header);
}

static int print_quiet(struct sheet *sheet, const void *row, struct error *err)
{
	cleanup_text struct text cell = { 0 };

	columns_cell(sheet->all, sheet->quiet, row, &cell);
	if (cell.failed)
		return error_memory(err);
	output_line(sheet->out, "%s", cell.length ? cell.data : "");
	return 0;
}

int sheet_row(struct sheet *sheet, const void *row, struct error *err)
{
	if (is_table(sheet))
		return columns_row(&sheet->columns, row, err);
	if (!sheet->out->json)
		return print_quiet(sheet, row, err);
	columns_write(sheet->all, row, &sheet->writer);
	return sheet->writer.failed ? error_memory(err) : 0;
}

int sheet_end(struct sheet *sheet, struct error *err)
{
	if (sheet->out->json) {
		writer_close(&sheet->writer);
		writer_close(&sheet->writer);
		return sheet->writer.failed ? error_memory(err) : 0;
	}
	return is_table(sheet) ? columns_end(&sheet->columns, err) : 0;
}

void sheet_release(struct sheet *sheet)
{
	columns_release(&sheet->columns);
}
