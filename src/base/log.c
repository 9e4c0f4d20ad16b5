#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

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

	vsnprintf(line, sizeof(line), format, args);
	secret_hide(line);
	text_clean(line);
	fprintf(stderr, "%s%s\n", prefix, line);
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
