#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

cJSON *json_parse(const char *bytes, size_t length, const char *what, struct error *err)
{
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);

	if (!json) {
		error_set(err, ERROR_FAILED, "%s is not JSON (at byte %td)", what, end ? end - bytes : 0);
		return NULL;
	}
	while (end < bytes + length && *end && strchr(" \t\r\n", *end))
		end++;
	if (end < bytes + length && *end) {
		error_set(err, ERROR_FAILED, "%s has more than one JSON document (at byte %td)", what, end - bytes);
		cJSON_Delete(json);
		return NULL;
	}
	return json;
}

const char *json_text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A number that json_parse_exact kept as text. */
static int64_t raw_integer(const char *text, int64_t otherwise)
{
	long long value;

	if (!text_is_digits(text + (*text == '-')))
		return otherwise;
	errno = 0;
	value = strtoll(text, NULL, 10);
	return errno == 0 ? value : otherwise;
}

int64_t json_integer(const cJSON *object, const char *key, int64_t otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	if (cJSON_IsRaw(item))
		return raw_integer(item->valuestring, otherwise);
	if (!cJSON_IsNumber(item) || item->valuedouble != trunc(item->valuedouble) ||
	    fabs(item->valuedouble) > 9007199254740992.0)
		return otherwise;
	return (int64_t)item->valuedouble;
}

bool json_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

int json_add_text(cJSON *object, const char *key, const char *value, struct error *err)
{
	cleanup_free char *copy = NULL;

	if (!value)
		return cJSON_AddNullToObject(object, key) ? 0 : error_memory(err);
	if (!text_is_utf8(value, strlen(value))) {
		copy = strdup(value);
		if (!copy)
			return error_memory(err);
		text_clean(copy);
	}
	return cJSON_AddStringToObject(object, key, copy ? copy : value) ? 0 : error_memory(err);
}

static char *printed(char *text, struct error *err)
{
	if (!text)
		error_memory(err);
	return text;
}

char *json_print(const cJSON *json, struct error *err)
{
	return printed(cJSON_PrintUnformatted(json), err);
}

char *json_print_lines(const cJSON *json, struct error *err)
{
	return printed(cJSON_Print(json), err);
}
