#include "device/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"

#define MAX_DEPTH 32
#define MAX_NODES 20000              /* keys count */
#define MAX_EXACT 9007199254740992LL /* 2^53: what a double holds */

struct reader {
	yaml_parser_t parser;
	size_t nodes;
	struct error *err;
};

#define cleanup_event __attribute__((cleanup(yaml_event_delete)))

static cJSON *read_node(struct reader *reader, const yaml_event_t *event, int depth);

static int reader_fail(const struct reader *reader, const char *problem)
{
	return error_set(reader->err, ERROR_FAILED, "%s (near line %zu)", problem, reader->parser.mark.line + 1);
}

static int reader_next(struct reader *reader, yaml_event_t *event)
{
	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	memset(event, 0, sizeof(*event));
	if (reader->parser.error == YAML_MEMORY_ERROR)
		return error_memory(reader->err);
	return reader_fail(reader, reader->parser.problem ? reader->parser.problem : "not YAML");
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

/* A whole number: decimal, 0x…, 0o… or 0…, with a sign or not. */
static bool read_whole(const char *text, long long *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	const char *set = "0123456789";
	int base = 10;
	char *end;

	if (digits[0] == '0' && digits[1] == 'x') {
		base = 16;
		set = "0123456789abcdefABCDEF";
		digits += 2;
	} else if (digits[0] == '0' && digits[1] != '\0') {
		base = 8;
		set = "01234567";
		digits += digits[1] == 'o' ? 2 : 1;
	}
	if (*digits == '\0' || strspn(digits, set) != strlen(digits))
		return false;
	errno = 0;
	*value = strtoll(digits, &end, base);
	if (*text == '-')
		*value = -*value;
	return errno == 0 && *value <= MAX_EXACT && *value >= -MAX_EXACT;
}

static cJSON *create_plain(const char *text)
{
	static const char *const nothing[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "true", "True", "TRUE", NULL };
	static const char *const no[] = { "false", "False", "FALSE", NULL };
	long long whole;
	cJSON *item;

	if (is_one_of(text, nothing))
		return cJSON_CreateNull();
	if (is_one_of(text, yes) || is_one_of(text, no))
		item = cJSON_CreateBool(is_one_of(text, yes));
	else if (read_whole(text, &whole))
		item = cJSON_CreateNumber((double)whole);
	else
		return cJSON_CreateString(text);
	if (item)
		item->valuestring = strdup(text);
	if (item && !item->valuestring) {
		cJSON_Delete(item);
		return NULL;
	}
	return item;
}

/* The scalar's text, or NULL when it has a NUL inside. */
static const char *scalar_text(const struct reader *reader, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;

	if (strlen(text) == event->data.scalar.length)
		return text;
	reader_fail(reader, "a scalar has a NUL character");
	return NULL;
}

static cJSON *read_scalar(struct reader *reader, const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = scalar_text(reader, event);
	bool is_string = tag && (strcmp(tag, YAML_STR_TAG) == 0 || strcmp(tag, "!") == 0);
	cJSON *item;

	if (!text)
		return NULL;
	if (tag && !is_string) {
		reader_fail(reader, "tags other than !!str are not taken");
		return NULL;
	}
	item = is_string || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ? cJSON_CreateString(text)
										: create_plain(text);
	if (!item)
		error_memory(reader->err);
	return item;
}

static cJSON *read_list(struct reader *reader, int depth)
{
	cleanup_json cJSON *list = cJSON_CreateArray();

	while (list) {
		cleanup_event yaml_event_t event = { 0 };
		cJSON *item;

		if (reader_next(reader, &event) < 0)
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			return steal_pointer(list);
		item = read_node(reader, &event, depth);
		if (!item)
			return NULL;
		cJSON_AddItemToArray(list, item);
	}
	error_memory(reader->err);
	return NULL;
}

static int read_member(struct reader *reader, cJSON *map, const yaml_event_t *event, int depth)
{
	cleanup_event yaml_event_t value = { 0 };
	const char *key;
	cJSON *item;

	reader->nodes++;
	if (event->type != YAML_SCALAR_EVENT)
		return reader_fail(reader, "a key is not a scalar");
	key = scalar_text(reader, event);
	if (!key)
		return -1;
	if (cJSON_GetObjectItemCaseSensitive(map, key))
		return reader_fail(reader, "a key comes twice");
	if (reader_next(reader, &value) < 0)
		return -1;
	item = read_node(reader, &value, depth);
	if (!item)
		return -1;
	if (cJSON_AddItemToObject(map, key, item))
		return 0;
	cJSON_Delete(item);
	return error_memory(reader->err);
}

static cJSON *read_map(struct reader *reader, int depth)
{
	cleanup_json cJSON *map = cJSON_CreateObject();

	while (map) {
		cleanup_event yaml_event_t event = { 0 };

		if (reader_next(reader, &event) < 0)
			return NULL;
		if (event.type == YAML_MAPPING_END_EVENT)
			return steal_pointer(map);
		if (read_member(reader, map, &event, depth) < 0)
			return NULL;
	}
	error_memory(reader->err);
	return NULL;
}

static cJSON *read_node(struct reader *reader, const yaml_event_t *event, int depth)
{
	const char *problem;

	if (++reader->nodes > MAX_NODES)
		problem = "the document has too many nodes";
	else if (depth >= MAX_DEPTH)
		problem = "the document is nested too deep";
	else if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, event);
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		return read_list(reader, depth + 1);
	else if (event->type == YAML_MAPPING_START_EVENT)
		return read_map(reader, depth + 1);
	else
		problem = "aliases are not taken";
	reader_fail(reader, problem);
	return NULL;
}

static int expect(struct reader *reader, yaml_event_type_t type, const char *problem)
{
	cleanup_event yaml_event_t event = { 0 };

	if (reader_next(reader, &event) < 0)
		return -1;
	return event.type == type ? 0 : reader_fail(reader, problem);
}

static cJSON *read_stream(struct reader *reader)
{
	cleanup_event yaml_event_t event = { 0 };
	cleanup_json cJSON *json = NULL;

	if (expect(reader, YAML_STREAM_START_EVENT, "not YAML") < 0 ||
	    expect(reader, YAML_DOCUMENT_START_EVENT, "the file is empty") < 0 || reader_next(reader, &event) < 0)
		return NULL;
	json = read_node(reader, &event, 0);
	if (!json || expect(reader, YAML_DOCUMENT_END_EVENT, "not YAML") < 0 ||
	    expect(reader, YAML_STREAM_END_EVENT, "there is more than one document") < 0)
		return NULL;
	return steal_pointer(json);
}

cJSON *yaml_parse(const char *bytes, size_t length, struct error *err)
{
	struct reader reader = { .err = err };
	cJSON *json;

	if (memchr(bytes, '\0', length)) {
		error_set(err, ERROR_FAILED, "the file has a NUL character");
		return NULL;
	}
	if (!yaml_parser_initialize(&reader.parser)) {
		error_memory(err);
		return NULL;
	}
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, length);
	json = read_stream(&reader);
	yaml_parser_delete(&reader.parser);
	return json;
}
