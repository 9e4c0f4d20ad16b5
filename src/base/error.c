#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/text.h"

__attribute__((format(printf, 3, 0))) static void format_into(char *to, size_t size, const char *format, va_list args)
{
	if (vsnprintf(to, size, format, args) < 0)
		snprintf(to, size, "(message cannot be formatted)");
	secret_hide(to);
	text_clean(to);
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_into(err->message, sizeof(err->message), format, args);
	va_end(args);
	err->kind = kind;
	err->number = 0;
	err->hint[0] = '\0';
	return -1;
}

int error_errno(struct error *err, enum error_kind kind, int number, const char *format, ...)
{
	size_t used;
	va_list args;

	va_start(args, format);
	format_into(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(number));
	err->kind = kind;
	err->number = number;
	err->hint[0] = '\0';
	return -1;
}

int error_wrap(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->message)];
	size_t used;
	va_list args;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	format_into(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	if (snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner) >=
	    (int)(sizeof(err->message) - used))
		text_clean(err->message); /* a character cut in half */
	return -1;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_into(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -1;
}

int error_memory(struct error *err)
{
	return error_set(err, ERROR_FAILED, "out of memory");
}

void error_clear(struct error *err)
{
	*err = (struct error){ 0 };
}

bool error_forgive(struct error *err, enum error_kind kind)
{
	if (err->kind != kind)
		return false;
	error_clear(err);
	return true;
}

bool failures_note(struct failures *failures, const struct error *failure)
{
	if (failure->kind == ERROR_NONE)
		return false;
	if (failures->count++ > 0)
		return false;
	failures->first = *failure;
	return true;
}

int failures_first(const struct failures *failures, struct error *err)
{
	if (failures->count == 0)
		return 0;
	*err = failures->first;
	return -1;
}

const char *error_code(enum error_kind kind)
{
	static const char *const codes[] = {
		[ERROR_NONE] = "none",
		[ERROR_FAILED] = "failed",
		[ERROR_USAGE] = "usage",
		[ERROR_NOT_FOUND] = "not_found",
		[ERROR_BUSY] = "busy",
		[ERROR_CONTAINERD] = "containerd_unavailable",
		[ERROR_DATABASE] = "database_unavailable",
		[ERROR_INCOMPLETE] = "incomplete",
		[ERROR_REFUSED] = "refused",
	};

	return codes[kind];
}
