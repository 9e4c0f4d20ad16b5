#include "workspace/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define SOURCE_MAX_BYTES 32
#define SOURCE_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789_-"

char *name_check(const char *text, struct error *err)
{
	cleanup_free char *name = text_trimmed(text);

	if (!name)
		error_memory(err);
	else if (!text_is_utf8(name, strlen(name)))
		error_set(err, ERROR_USAGE, "'%.128s' cannot be a name: it is not UTF-8", name);
	else if (text_has_control(name))
		error_set(err, ERROR_USAGE, "'%.128s' cannot be a name: it has control characters", name);
	else if (!*name)
		error_set(err, ERROR_USAGE, "'' cannot be a name: it is empty");
	else if (strlen(name) > NAME_MAX_BYTES)
		error_set(err, ERROR_USAGE, "'%.128s…' cannot be a name: it has %zu bytes, more than %d", name,
			  strlen(name), NAME_MAX_BYTES);
	else if (text_is_digits(name))
		error_set(err, ERROR_USAGE, "'%s' cannot be a name: digits alone are a version's number", name);
	else
		return steal_pointer(name);
	return NULL;
}

int name_check_source(const char *text, struct error *err)
{
	size_t length = strlen(text);

	if (length >= 1 && length <= SOURCE_MAX_BYTES && strspn(text, SOURCE_CHARACTERS) == length)
		return 0;
	return error_set(err, ERROR_USAGE, "'%.64s' cannot be a source: 1 to %d of a-z, 0-9, '_' and '-' can", text,
			 SOURCE_MAX_BYTES);
}

/* Digits in 1…2147483647; leading zeros are allowed. */
static int parse_number(const char *digits, int32_t *number)
{
	int64_t value = 0;

	for (const char *at = digits; *at; at++) {
		value = value * 10 + (*at - '0');
		if (value > INT32_MAX)
			return -1;
	}
	*number = (int32_t)value;
	return value < 1 ? -1 : 0;
}

int name_parse_version(const char *text, int32_t *number, char **name, struct error *err)
{
	cleanup_free char *trimmed = text_trimmed(text);

	*number = 0;
	*name = NULL;
	if (!trimmed)
		return error_memory(err);
	if (text_is_digits(trimmed)) {
		if (parse_number(trimmed, number) == 0)
			return 0;
		*number = 0;
		return error_set(err, ERROR_USAGE, "'%.64s' cannot be a version: numbers go from 1 to %d", trimmed,
				 INT32_MAX);
	}
	*name = name_check(trimmed, err);
	return *name ? 0 : -1;
}

char *name_shown(const char *display_name, int32_t version)
{
	return display_name ? strdup(display_name) : text_format("Version %d", version);
}
