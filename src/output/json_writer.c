#include "output/json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

static void write_string(struct json_writer *writer, const char *string)
{
	putc('"', writer->stream);
	for (const unsigned char *s = (const unsigned char *)string; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(writer->stream, "\\%c", *s);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(writer->stream, "\\u%04x", *s);
		else if (*s == 0xc2 && s[1] < 0xa0) /* C1, which steers terminals too */
			fprintf(writer->stream, "\\u%04x", *++s);
		else
			putc(*s, writer->stream);
	}
	putc('"', writer->stream);
}

/* What stands before a value: a comma, and its key in an object. false: no value may stand here. */
static bool begin_value(struct json_writer *writer, const char *key)
{
	bool in_object = writer->depth && writer->open[writer->depth - 1] == '}';

	if (in_object != (key != NULL) || (writer->depth == 0 && writer->comma))
		writer->failed = true;
	if (writer->failed)
		return false;
	if (writer->comma)
		putc(',', writer->stream);
	writer->comma = true;
	if (key) {
		write_string(writer, key);
		putc(':', writer->stream);
	}
	return true;
}

static void open_level(struct json_writer *writer, const char *key, char opening, char closing)
{
	if (writer->depth == WRITER_MAX_DEPTH)
		writer->failed = true;
	if (!begin_value(writer, key))
		return;
	putc(opening, writer->stream);
	writer->open[writer->depth++] = closing;
	writer->comma = false;
}

void writer_object(struct json_writer *writer, const char *key)
{
	open_level(writer, key, '{', '}');
}

void writer_array(struct json_writer *writer, const char *key)
{
	open_level(writer, key, '[', ']');
}

void writer_close(struct json_writer *writer)
{
	if (writer->depth == 0)
		writer->failed = true;
	if (writer->failed)
		return;
	putc(writer->open[--writer->depth], writer->stream);
	writer->comma = true;
	if (writer->depth == 0)
		putc('\n', writer->stream);
}

void writer_text(struct json_writer *writer, const char *key, const char *value)
{
	cleanup_free char *copy = NULL;

	if (!value) {
		writer_null(writer, key);
		return;
	}
	if (!begin_value(writer, key))
		return;
	if (!text_is_utf8(value, strlen(value))) {
		copy = strdup(value);
		if (!copy) {
			writer->failed = true;
			return;
		}
		text_clean(copy);
	}
	write_string(writer, copy ? copy : value);
}

static void add_base64(struct text *text, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		unsigned group = (unsigned)bytes[i] << 16;

		group |= i + 1 < length ? (unsigned)bytes[i + 1] << 8 : 0;
		group |= i + 2 < length ? bytes[i + 2] : 0;
		text_append(text, &digits[group >> 18], 1);
		text_append(text, &digits[group >> 12 & 63], 1);
		text_append(text, i + 1 < length ? &digits[group >> 6 & 63] : "=", 1);
		text_append(text, i + 2 < length ? &digits[group & 63] : "=", 1);
	}
}

void writer_path(struct json_writer *writer, const char *key, const char *path)
{
	cleanup_text struct text other_key = { 0 }, encoded = { 0 };

	if (text_is_utf8(path, strlen(path))) {
		if (begin_value(writer, key))
			write_string(writer, path);
		return;
	}
	text_printf(&other_key, "%s_base64", key);
	add_base64(&encoded, (const unsigned char *)path, strlen(path));
	if (other_key.failed || encoded.failed)
		writer->failed = true;
	else
		writer_text(writer, other_key.data, encoded.data);
}

void writer_integer(struct json_writer *writer, const char *key, int64_t value)
{
	if (begin_value(writer, key))
		fprintf(writer->stream, "%" PRId64, value);
}

void writer_known(struct json_writer *writer, const char *key, bool known, int64_t value)
{
	if (known)
		writer_integer(writer, key, value);
	else
		writer_null(writer, key);
}

void writer_null(struct json_writer *writer, const char *key)
{
	writer_raw(writer, key, "null");
}

void writer_bool(struct json_writer *writer, const char *key, bool value)
{
	writer_raw(writer, key, value ? "true" : "false");
}

void writer_ms(struct json_writer *writer, const char *key, double ms)
{
	if (!isfinite(ms)) {
		writer_null(writer, key);
		return;
	}
	if (begin_value(writer, key))
		fprintf(writer->stream, "%.3f", ms);
}

void writer_time(struct json_writer *writer, const char *key, int64_t unix_ns)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(unix_ns, text);
	writer_text(writer, key, unix_ns ? text : NULL);
}

void writer_raw(struct json_writer *writer, const char *key, const char *json)
{
	if (begin_value(writer, key))
		fputs(json, writer->stream);
}
