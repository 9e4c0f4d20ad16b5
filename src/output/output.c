#include "output/output.h"

#include <errno.h>
#include <stdarg.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "output/json_writer.h"

void output_line(struct output *out, const char *format, ...)
{
	cleanup_free char *line = NULL;
	va_list args;

	va_start(args, format);
	line = text_format_list(format, args);
	va_end(args);
	if (!line) {
		fputs("(out of memory)\n", out->stream);
		return;
	}
	text_clean(line);
	fprintf(out->stream, "%s\n", line);
}

int output_end(struct output *out, struct error *err)
{
	enum error_kind kind = out->changed ? ERROR_INCOMPLETE : ERROR_FAILED;

	errno = 0;
	if (fflush(out->stream) == 0 && !ferror(out->stream))
		return 0;
	if (errno)
		error_errno(err, kind, errno, "standard output cannot be written");
	else
		error_set(err, kind, "standard output cannot be written");
	return out->changed ? error_hint(err, "what was to be done is done all the same") : -1;
}

static void write_member(struct json_writer *writer, const struct error *error, int exit_status)
{
	writer_object(writer, "error");
	writer_text(writer, "code", error_code(error->kind));
	writer_integer(writer, "exit_status", exit_status);
	writer_text(writer, "message", error->message);
	writer_text(writer, "hint", error->hint[0] ? error->hint : NULL);
	writer_close(writer);
}

void output_json_error(struct json_writer *writer, const struct error *error)
{
	write_member(writer, error, (int)error->kind);
}

static void write_json_error(FILE *stream, const struct error *error, int exit_status)
{
	struct json_writer writer = { .stream = stream };

	writer_object(&writer, NULL);
	write_member(&writer, error, exit_status);
	writer_close(&writer);
}

void output_error(FILE *stream, bool json, const struct error *error, int exit_status)
{
	if (json) {
		write_json_error(stream, error, exit_status);
		return;
	}
	fprintf(stream, "wsnap: %s\n", error->message);
	if (error->hint[0])
		fprintf(stream, "hint: %s\n", error->hint);
}

void output_format_size(long long bytes, char text[static OUTPUT_SIZE_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1023.5 && unit < sizeof(units) / sizeof(*units) - 1) {
		size /= 1024;
		unit++;
	}
	snprintf(text, OUTPUT_SIZE_SIZE, unit > 0 && size < 9.95 ? "%.1f %s" : "%.0f %s", size, units[unit]);
}
