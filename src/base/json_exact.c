#include "base/json.h"

#include <string.h>

#include "base/cleanup.h"

/* Digits that a double gives back whatever they are (DBL_DIG). cJSON prints whole numbers with more
 * of them in exponent form, which readers of whole numbers refuse. */
#define SAFE_DIGITS 15

/* The end of a string that begins behind `at`'s quote; NULL if it has an escaped NUL or no end. */
static const char *skip_string(const char *at, const char *end)
{
	for (; at < end && *at != '"'; at++) {
		if (*at != '\\')
			continue;
		if (end - at >= 6 && memcmp(at, "\\u0000", 6) == 0)
			return NULL;
		at++;
	}
	return at < end ? at + 1 : NULL;
}

/* Moves *at behind the next number outside of strings, and gives where it began; NULL: no more. */
static const char *next_number(const char **at, const char *end)
{
	while (*at && *at < end) {
		const char *start = *at;

		if (*start == '"') {
			*at = skip_string(start + 1, end);
		} else if (*start == '-' || (*start >= '0' && *start <= '9')) {
			while (*at < end && **at && strchr("0123456789+-.eE", **at))
				(*at)++;
			return start;
		} else {
			(*at)++;
		}
	}
	return NULL;
}

static bool is_safe(const char *number, size_t length)
{
	size_t sign = length > 0 && number[0] == '-';

	/* The bytes are not ended by a NUL, and this number may be the last of them. */
	for (size_t i = sign; i < length; i++)
		if (number[i] < '0' || number[i] > '9')
			return false;
	return length - sign <= SAFE_DIGITS;
}

/* cJSON keeps the order of the source, so that both lists of numbers run side by side. */
static int keep_numbers(cJSON *item, const char **at, const char *end)
{
	const char *number;
	cJSON *child;

	if (cJSON_IsNumber(item)) {
		number = next_number(at, end);
		if (!number)
			return -1;
		if (is_safe(number, (size_t)(*at - number)))
			return 0;
		item->valuestring = strndup(number, (size_t)(*at - number));
		item->type = cJSON_Raw;
		return item->valuestring ? 0 : -1;
	}
	cJSON_ArrayForEach(child, item)
		if (keep_numbers(child, at, end) < 0)
			return -1;
	return 0;
}

static bool has_nul(const char *bytes, size_t length)
{
	const char *at = bytes, *end = bytes + length;

	if (memchr(bytes, '\0', length))
		return true;
	while (next_number(&at, end))
		;
	return !at;
}

cJSON *json_parse_exact(const char *bytes, size_t length, const char *what, struct error *err)
{
	const char *at = bytes;
	cleanup_json cJSON *json = NULL;

	if (has_nul(bytes, length)) {
		error_set(err, ERROR_FAILED, "%s is not JSON, or has a NUL character", what);
		return NULL;
	}
	json = json_parse(bytes, length, what, err);
	if (!json)
		return NULL;
	if (keep_numbers(json, &at, bytes + length) < 0) {
		error_memory(err);
		return NULL;
	}
	return steal_pointer(json);
}
