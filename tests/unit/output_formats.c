/* Tables, JSON documents, error lines and sizes, as they arrive on a stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <locale.h>
#include <math.h>

#include <cmocka.h>

#include "base/json.h"
#include "output/columns.h"
#include "output/escape.h"
#include "output/json_writer.h"
#include "output/output.h"
#include "output/sheet.h"
#include "output/table.h"

/* A stream into memory; `text` is there after finish(). */
struct capture {
	FILE *stream;
	char *text;
	size_t length;
};

static struct capture *begin(void)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	assert_non_null(capture);
	capture->stream = open_memstream(&capture->text, &capture->length);
	assert_non_null(capture->stream);
	return capture;
}

static void ends_as(struct capture *capture, const char *expected)
{
	assert_int_equal(fclose(capture->stream), 0);
	assert_string_equal(capture->text, expected);
	free(capture->text);
	free(capture);
}

static void columns_are_aligned_by_what_a_terminal_shows(void **state)
{
	static const char *const headings[] = { "", "NAME", "SOURCE" };
	struct capture *capture = begin();
	cleanup_table struct table table;
	struct error err = { 0 };

	(void)state;
	table_begin(&table, capture->stream, headings, 3);
	table_cell(&table, "*");
	table_cell(&table, "z\u00e4hl");
	table_cell(&table, "a");
	table_cell(&table, "");
	table_cell(&table, "\u6f22\u5b57\u6f22\u5b57");
	table_cell(&table, NULL);
	table_cell(&table, "");
	table_cell(&table, "e\u0301");
	table_cell(&table, "");
	assert_int_equal(table_end(&table, &err), 0);
	ends_as(capture, "   NAME      SOURCE\n"
			 "*  z\u00e4hl      a\n"
			 "   \u6f22\u5b57\u6f22\u5b57  -\n"
			 "   e\u0301\n");
}

static void cells_cannot_steer_a_terminal_or_break_a_line(void **state)
{
	static const char *const headings[] = { "NAME" };
	struct capture *capture = begin();
	cleanup_table struct table table;
	struct error err = { 0 };

	(void)state;
	table_begin(&table, capture->stream, headings, 1);
	table_cell(&table, "a\033[2J\nb\xff");
	assert_int_equal(table_end(&table, &err), 0);
	ends_as(capture, "NAME\na?[2J?b?\n");
}

static void many_rows_are_all_written(void **state)
{
	static const char *const headings[] = { "N", "X" };
	struct capture *capture = begin();
	cleanup_table struct table table;
	struct error err = { 0 };
	size_t lines = 0;

	(void)state;
	table_begin(&table, capture->stream, headings, 2);
	for (int i = 1; i <= 2500; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", i);
		table_cell(&table, number);
		table_cell(&table, "x");
	}
	assert_int_equal(table_end(&table, &err), 0);
	assert_int_equal(fflush(capture->stream), 0);
	for (const char *at = capture->text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 2501);
	assert_non_null(strstr(capture->text, "\n2500  x\n"));
	fclose(capture->stream);
	free(capture->text);
	free(capture);
}

static void a_document_is_written_as_it_is_made(void **state)
{
	struct capture *capture = begin();
	struct json_writer writer = { .stream = capture->stream };

	(void)state;
	writer_object(&writer, NULL);
	writer_text(&writer, "text", "a\"b\\c\nd\x01\x7f\u00e9\xff");
	writer_text(&writer, "none", NULL);
	writer_integer(&writer, "number", INT64_MIN);
	writer_array(&writer, "list");
	writer_bool(&writer, NULL, true);
	writer_ms(&writer, NULL, 1.23456);
	writer_ms(&writer, NULL, NAN);
	writer_object(&writer, NULL);
	writer_close(&writer);
	writer_close(&writer);
	writer_time(&writer, "time", 1500000000);
	writer_time(&writer, "never", 0);
	writer_raw(&writer, "raw", "{\"a\": 1}");
	writer_close(&writer);
	assert_false(writer.failed);
	ends_as(capture, "{\"text\":\"a\\\"b\\\\c?d??\u00e9?\",\"none\":null,\"number\":-9223372036854775808,"
			 "\"list\":[true,1.235,null,{}],\"time\":\"1970-01-01T00:00:01.500000Z\",\"never\":null,"
			 "\"raw\":{\"a\": 1}}\n");
}

static void controls_in_good_utf8_are_escaped(void **state)
{
	struct capture *capture = begin();
	struct json_writer writer = { .stream = capture->stream };

	(void)state;
	writer_array(&writer, NULL);
	writer_text(&writer, NULL, "a\nb\x01\x7f");
	writer_close(&writer);
	ends_as(capture, "[\"a\\u000ab\\u0001\\u007f\"]\n");
}

static void after_a_mistake_nothing_more_is_written(void **state)
{
	(void)state;
	for (int mistake = 0; mistake < 4; mistake++) {
		struct capture *capture = begin();
		struct json_writer writer = { .stream = capture->stream };

		writer_object(&writer, NULL);
		if (mistake == 0) {
			writer_text(&writer, NULL, "no key");
		} else if (mistake == 1) {
			for (int i = 0; i < WRITER_MAX_DEPTH; i++)
				writer_object(&writer, "a");
		} else {
			writer_close(&writer);
			if (mistake == 2)
				writer_object(&writer, NULL);
			else
				writer_close(&writer);
		}
		assert_true(writer.failed);
		fflush(capture->stream);
		{
			size_t length = capture->length;

			writer_close(&writer);
			writer_text(&writer, "a", "b");
			fflush(capture->stream);
			assert_int_equal(capture->length, length);
		}
		fclose(capture->stream);
		free(capture->text);
		free(capture);
	}
}

static void an_error_is_one_line_and_a_hint(void **state)
{
	struct error err = { 0 };
	struct capture *capture = begin();

	(void)state;
	error_set(&err, ERROR_NOT_FOUND, "'x' is not there");
	output_error(capture->stream, false, &err, 3);
	error_hint(&err, "look elsewhere");
	output_error(capture->stream, false, &err, 3);
	output_error(capture->stream, true, &err, 3);
	ends_as(capture, "wsnap: 'x' is not there\n"
			 "wsnap: 'x' is not there\nhint: look elsewhere\n"
			 "{\"error\":{\"code\":\"not_found\",\"exit_status\":3,\"message\":\"'x' is not there\","
			 "\"hint\":\"look elsewhere\"}}\n");
}

static void a_full_disk_is_noticed(void **state)
{
	struct output out = { .stream = fopen("/dev/full", "w") };
	struct error err = { 0 };

	(void)state;
	assert_non_null(out.stream);
	output_line(&out, "%s", "a line");
	assert_int_equal(output_end(&out, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "standard output cannot be written: No space left on device");
	fclose(out.stream);
}

static void sizes_are_short(void **state)
{
	static const struct {
		long long bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },           { 1023, "1023 B" },       { 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },    { 10188, "9.9 KiB" },     { 10240, "10 KiB" },
		{ 1048575, "1.0 MiB" }, { 1LL << 30, "1.0 GiB" }, { INT64_MAX, "8.0 EiB" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[OUTPUT_SIZE_SIZE];

		output_format_size(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void cut(const char *text, size_t width, const char *expected)
{
	struct text found = { 0 };

	table_add_cut(&found, text, width);
	assert_string_equal(found.data ? found.data : "", expected);
	text_release(&found);
}

static void what_is_too_wide_is_cut_between_characters(void **state)
{
	(void)state;
	cut("abc", 3, "abc");
	cut("abcd", 3, "ab…");
	cut("abcd", 1, "…");
	cut("abcd", 0, "");
	cut("漢字漢字", 5, "漢字…");
	cut("漢字漢字", 4, "漢…");
	cut("e\u0301e\u0301e\u0301", 2, "e\u0301…");
}

static void fill_narrow(struct table *table)
{
	static const char *const cells[] = { "1",      "short",     "manual", "2026-01-31", "2", "a name that is long",
					     "manual", "2026-01-31" };

	for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++)
		table_cell(table, cells[i]);
}

static void a_table_gives_way_to_a_narrow_terminal(void **state)
{
	static const struct table_column kinds[] = {
		{ "V", 0, false }, { "NAME", 0, true }, { "SOURCE", 1, false }, { "CREATED", 2, false }
	};
	static const struct {
		size_t room;
		const char *expected;
	} cases[] = {
		{ 0, "V  NAME                 SOURCE  CREATED\n"
		     "1  short                manual  2026-01-31\n"
		     "2  a name that is long  manual  2026-01-31\n" },
		{ 42, "V  NAME                 SOURCE  CREATED\n"
		      "1  short                manual  2026-01-31\n"
		      "2  a name that is long  manual  2026-01-31\n" },
		{ 36, "V  NAME           SOURCE  CREATED\n"
		      "1  short          manual  2026-01-31\n"
		      "2  a name that …  manual  2026-01-31\n" },
		{ 25, "V  NAME            SOURCE\n"
		      "1  short           manual\n"
		      "2  a name that i…  manual\n" },
		{ 12, "V  NAME\n"
		      "1  short\n"
		      "2  a name t…\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct capture *capture = begin();
		cleanup_table struct table table;
		struct error err = { 0 };

		table_begin_columns(&table, capture->stream, kinds, 4, cases[i].room, true);
		fill_narrow(&table);
		assert_int_equal(table_end(&table, &err), 0);
		ends_as(capture, cases[i].expected);
	}
}

static void show_number(const void *row, struct text *cell)
{
	text_printf(cell, "%d", *(const int *)row);
}

static void show_nothing(const void *row, struct text *cell)
{
	(void)row;
	(void)cell;
}

static const struct column all_columns[] = {
	{ "number", { "NUMBER", 0, false }, true, show_number, NULL },
	{ "rare", { "RARE", 0, false }, false, show_nothing, NULL },
	{ "last", { "LAST", 0, false }, true, show_nothing, NULL },
	{ .name = NULL },
};

static void columns_are_chosen_by_name(void **state)
{
	struct capture *capture = begin();
	struct output out = { .stream = capture->stream };
	cleanup_columns struct columns columns;
	struct error err = { 0 };
	int number = 7;

	(void)state;
	assert_int_equal(columns_choose(&columns, all_columns, "last,number", &err), 0);
	columns_begin(&columns, &out, false);
	assert_int_equal(columns_row(&columns, &number, &err), 0);
	assert_int_equal(columns_end(&columns, &err), 0);
	columns_release(&columns);
	assert_int_equal(columns_choose(&columns, all_columns, NULL, &err), 0);
	columns_add(&columns, "rare");
	columns_add(&columns, "rare");
	columns_begin(&columns, &out, true);
	assert_int_equal(columns_row(&columns, &number, &err), 0);
	assert_int_equal(columns_end(&columns, &err), 0);
	ends_as(capture, "-  7\nNUMBER  RARE  LAST\n7       -     -\n");
	columns_release(&columns);
	assert_int_equal(columns_choose(&columns, all_columns, "number,", &err), -1);
	assert_string_equal(err.message, "'' is not a column of this list");
	assert_string_equal(err.hint, "its columns are: number, rare, last");
}

static void write_number(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "number", *(const int *)row);
}

static void write_twice(const void *row, struct json_writer *writer)
{
	writer_integer(writer, "twice", 2 * *(const int *)row);
}

static const struct column sheet_columns[] = {
	{ "number", { "NUMBER", 0, false }, true, show_number, write_number },
	{ "rare", { "RARE", 0, false }, false, show_nothing, NULL },
	{ .name = "twice", .write = write_twice },
	{ .name = NULL },
};

static void make_sheet(struct output *out, const char *words)
{
	cleanup_sheet struct sheet sheet = {
		.out = out, .all = sheet_columns, .key = "rows", .quiet = "number", .words = words
	};
	struct error err = { 0 };

	assert_int_equal(sheet_choose(&sheet, &err), 0);
	if (sheet_open(&sheet))
		writer_text(&sheet.writer, "of", "them");
	sheet_begin(&sheet);
	for (int row = 7; row < 9; row++)
		assert_int_equal(sheet_row(&sheet, &row, &err), 0);
	assert_int_equal(sheet_end(&sheet, &err), 0);
}

/* One row says what a column shows and which keys it has. */
static void a_sheet_has_the_form_that_is_asked_for(void **state)
{
	static const struct {
		bool json, quiet;
		const char *words, *expected;
	} cases[] = {
		{ false, false, NULL, "NUMBER\n7\n8\n" },
		{ false, false, "rare,number", "RARE  NUMBER\n-     7\n-     8\n" },
		{ false, true, NULL, "7\n8\n" },
		{ true, false, NULL,
		  "{\"of\":\"them\",\"rows\":[{\"number\":7,\"twice\":14},{\"number\":8,\"twice\":16}]}\n" },
		{ true, true, "rare",
		  "{\"of\":\"them\",\"rows\":[{\"number\":7,\"twice\":14},{\"number\":8,\"twice\":16}]}\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct capture *capture = begin();
		struct output out = { .stream = capture->stream, .json = cases[i].json, .quiet = cases[i].quiet };

		make_sheet(&out, cases[i].words);
		ends_as(capture, cases[i].expected);
	}
}

/* A key that JSON alone has is no column to be chosen. */
static void a_key_is_no_column(void **state)
{
	struct columns columns;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(columns_choose(&columns, sheet_columns, "twice", &err), -1);
	assert_string_equal(err.message, "'twice' is not a column of this list");
	assert_string_equal(err.hint, "its columns are: number, rare");
}

static void paths_are_escaped_byte_by_byte(void **state)
{
	struct text text = { 0 };

	(void)state;
	escape_path(&text, "/a\\b\n\x1b[31m\x7f\xc2\x9b\xff\xe6\xbc 漢 é");
	assert_string_equal(text.data, "/a\\134b\\012\\033[31m\\177\\302\\233\\377\\346\\274 漢 é");
	text_release(&text);
}

static void paths_in_json_are_exact(void **state)
{
	struct capture *capture = begin();
	struct json_writer writer = { .stream = capture->stream };

	(void)state;
	writer_array(&writer, NULL);
	for (int i = 0; i < 5; i++) {
		static const char *const paths[] = { "/a\nb", "/\xff", "/\xff\xfe", "/a\xff\xfe", "/\xc2\x9b" };

		writer_object(&writer, NULL);
		writer_path(&writer, "path", paths[i]);
		writer_close(&writer);
	}
	writer_close(&writer);
	assert_false(writer.failed);
	ends_as(capture, "[{\"path\":\"/a\\u000ab\"},{\"path_base64\":\"L/8=\"},{\"path_base64\":\"L//+\"},"
			 "{\"path_base64\":\"L2H//g==\"},{\"path\":\"/\\u009b\"}]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_aligned_by_what_a_terminal_shows),
		cmocka_unit_test(cells_cannot_steer_a_terminal_or_break_a_line),
		cmocka_unit_test(many_rows_are_all_written),
		cmocka_unit_test(a_document_is_written_as_it_is_made),
		cmocka_unit_test(controls_in_good_utf8_are_escaped),
		cmocka_unit_test(after_a_mistake_nothing_more_is_written),
		cmocka_unit_test(an_error_is_one_line_and_a_hint),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(sizes_are_short),
		cmocka_unit_test(what_is_too_wide_is_cut_between_characters),
		cmocka_unit_test(a_table_gives_way_to_a_narrow_terminal),
		cmocka_unit_test(columns_are_chosen_by_name),
		cmocka_unit_test(a_sheet_has_the_form_that_is_asked_for),
		cmocka_unit_test(a_key_is_no_column),
		cmocka_unit_test(paths_are_escaped_byte_by_byte),
		cmocka_unit_test(paths_in_json_are_exact),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
