#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"

static enum log_level level = LOG_NORMAL;

void log_set_level(enum log_level new_level)
{
	level = new_level;
}

static void print_line(const char *prefix, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void print_line(const char *prefix, const char *format, va_list args)
{
	char line[4096];
	int length = snprintf(line, sizeof(line), "%s", prefix);

	vsnprintf(line + length, sizeof(line) - (size_t)length, format, args);
	secret_hide(line);
	text_clean(line);
	length = (int)strlen(line);
	line[length] = '\n';
	/* In one call of write(2), whatever the C library makes of fprintf(3): so the lines of two processes do not mix. */
	fwrite(line, 1, (size_t)length + 1, stderr);
}

void log_warning(const char *format, ...)
{
	va_list args;

	if (level < LOG_NORMAL)
		return;
	va_start(args, format);
	print_line("wsnap: warning: ", format, args);
	va_end(args);
}

void log_detail(const char *format, ...)
{
	va_list args;

	if (level < LOG_VERBOSE)
		return;
	va_start(args, format);
	print_line("wsnap: ", format, args);
	va_end(args);
}
