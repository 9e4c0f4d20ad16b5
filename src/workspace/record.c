#include "workspace/record.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "workspace/target.h"

#define RECORD_FORMAT 2
/* What wsnap 0.1.0 wrote: flags where stage, pending and save are now. */
#define RECORD_FORMAT_FLAGS 1

enum field_type { FIELD_TEXT, FIELD_FLAG, FIELD_TIME, FIELD_NUMBER, FIELD_LABELS };

struct field {
	const char *key;
	enum field_type type;
	size_t offset;
	bool required;
};

#define FIELD(type, name)                                                 \
	{                                                                 \
#name, FIELD_##type, offsetof(struct record, name), false \
	}
#define REQUIRED(type, name)                                             \
	{                                                                \
#name, FIELD_##type, offsetof(struct record, name), true \
	}

/* Enumerations are stored as numbers and checked after reading. */
static const struct field fields[] = {
	REQUIRED(TEXT, operation_id),
	REQUIRED(NUMBER, kind),
	REQUIRED(TEXT, container_id),
	REQUIRED(TEXT, namespace),
	REQUIRED(TEXT, bot_id),
	FIELD(TEXT, image),
	REQUIRED(TEXT, snapshotter),
	FIELD(TEXT, display_name),
	FIELD(TEXT, source),
	REQUIRED(TIME, created_ns),
	FIELD(TEXT, server_id),
	FIELD(TEXT, boot),
	FIELD(TIME, container_ns),
	REQUIRED(NUMBER, save),
	{ "by", FIELD_TEXT, offsetof(struct record, origin.by), false },
	{ "host", FIELD_TEXT, offsetof(struct record, origin.host), false },
	{ "note", FIELD_TEXT, offsetof(struct record, origin.note), false },
	FIELD(FLAG, live),
	FIELD(NUMBER, max_freeze_ms),
	FIELD(TEXT, filling),
	FIELD(TEXT, live_tip),
	FIELD(TEXT, live_merged),
	FIELD(TEXT, frozen),
	FIELD(TIME, frozen_inode),
	REQUIRED(NUMBER, state),
	FIELD(NUMBER, old_pid),
	{ "stdin", FIELD_TEXT, offsetof(struct record, streams.stdin_path), false },
	{ "stdout", FIELD_TEXT, offsetof(struct record, streams.stdout_path), false },
	{ "stderr", FIELD_TEXT, offsetof(struct record, streams.stderr_path), false },
	{ "terminal", FIELD_FLAG, offsetof(struct record, streams.terminal), false },
	REQUIRED(TEXT, old_active),
	FIELD(TEXT, old_parent),
	FIELD(TEXT, old_upper),
	FIELD(TEXT, uid_map),
	FIELD(TEXT, gid_map),
	FIELD(LABELS, kept_labels),
	FIELD(TEXT, stands_on),
	FIELD(FLAG, stands_on_version),
	FIELD(TEXT, restart_status),
	FIELD(TEXT, stop_signal),
	FIELD(FLAG, own_pids),
	FIELD(TEXT, attachment),
	FIELD(TEXT, old_spec),
	FIELD(TEXT, new_spec),
	FIELD(TEXT, spec_type),
	FIELD(TEXT, saved),
	REQUIRED(TEXT, new_active),
	FIELD(TEXT, back_active),
	FIELD(TEXT, turned_from),
	FIELD(TEXT, base),
	FIELD(NUMBER, rollback_to),
	FIELD(TEXT, rollback_name),
	FIELD(TEXT, paths),
	FIELD(TEXT, meantime_id),
	FIELD(TIME, meantime_ns),
	FIELD(FLAG, meantime_whole),
	FIELD(TEXT, meantime_stamp),
	FIELD(NUMBER, restore_saved),
	FIELD(TEXT, merged),
	FIELD(TEXT, merge_base),
	FIELD(NUMBER, merge_count),
	FIELD(TEXT, merged_shows),
	FIELD(TEXT, top),
	FIELD(TEXT, moved_to),
	FIELD(TIME, moved_inode),
	FIELD(NUMBER, depth),
	FIELD(NUMBER, version_floor),
	FIELD(TEXT, blueprint),
	FIELD(NUMBER, stage),
	FIELD(NUMBER, pending),
	FIELD(FLAG, hooked),
	FIELD(FLAG, turned_back),
	FIELD(FLAG, recorded),
	FIELD(NUMBER, version),
	FIELD(TIME, stopped_ns),
	FIELD(TIME, started_ns),
	FIELD(TEXT, failure),
	FIELD(TEXT, refusal),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(*fields))

static char **field_text(const struct record *record, const struct field *field)
{
	return (char **)((uintptr_t)record + field->offset);
}

static bool *field_flag(const struct record *record, const struct field *field)
{
	return (bool *)((uintptr_t)record + field->offset);
}

static int64_t *field_time(const struct record *record, const struct field *field)
{
	return (int64_t *)((uintptr_t)record + field->offset);
}

static int *field_number(const struct record *record, const struct field *field)
{
	return (int *)((uintptr_t)record + field->offset);
}

static struct labels *field_labels(const struct record *record, const struct field *field)
{
	return (struct labels *)((uintptr_t)record + field->offset);
}

void record_release(struct record *record)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (fields[i].type == FIELD_TEXT)
			free(*field_text(record, &fields[i]));
		else if (fields[i].type == FIELD_LABELS)
			labels_release(field_labels(record, &fields[i]));
	}
	*record = (struct record){ 0 };
}

/* A time is text: nanoseconds since 1970 do not fit JSON's doubles. */
static int print_time(cJSON *json, const char *key, int64_t time, struct error *err)
{
	cleanup_free char *digits = text_format("%lld", (long long)time);

	return digits ? json_add_text(json, key, digits, err) : error_memory(err);
}

static int print_labels(cJSON *json, const char *key, const struct labels *labels, struct error *err)
{
	cJSON *object = labels->count > 0 ? cJSON_AddObjectToObject(json, key) : NULL;

	if (labels->count > 0 && !object)
		return error_memory(err);
	for (size_t i = 0; i < labels->count; i++)
		if (json_add_text(object, labels->items[i].key, labels->items[i].value, err) < 0)
			return -1;
	return 0;
}

static int print_field(cJSON *json, const struct record *record, const struct field *field, struct error *err)
{
	switch (field->type) {
	case FIELD_TEXT:
		if (!*field_text(record, field))
			return 0;
		return json_add_text(json, field->key, *field_text(record, field), err);
	case FIELD_FLAG:
		return cJSON_AddBoolToObject(json, field->key, *field_flag(record, field)) ? 0 : error_memory(err);
	case FIELD_TIME:
		return print_time(json, field->key, *field_time(record, field), err);
	case FIELD_NUMBER:
		return cJSON_AddNumberToObject(json, field->key, *field_number(record, field)) ? 0 : error_memory(err);
	case FIELD_LABELS:
		return print_labels(json, field->key, field_labels(record, field), err);
	}
	return 0;
}

char *record_print(const struct record *record, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (!json || !cJSON_AddNumberToObject(json, "format", RECORD_FORMAT)) {
		error_memory(err);
		return NULL;
	}
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (print_field(json, record, &fields[i], err) < 0)
			return NULL;
	return json_print(json, err);
}

static int parse_time(const cJSON *json, const struct field *field, int64_t *time, struct error *err)
{
	const char *digits = json_text(json, field->key);
	char *end = NULL;

	*time = digits ? strtoll(digits, &end, 10) : 0;
	if ((digits && (*end || end == digits)) || (!digits && field->required))
		return error_set(err, ERROR_FAILED, "its '%s' is no time", field->key);
	return 0;
}

static int parse_labels(const cJSON *item, const char *key, struct labels *labels, struct error *err)
{
	const cJSON *label;

	if (item && !cJSON_IsObject(item))
		return error_set(err, ERROR_FAILED, "its '%s' are no labels", key);
	cJSON_ArrayForEach(label, item) {
		if (!cJSON_IsString(label))
			return error_set(err, ERROR_FAILED, "its '%s' are no labels", key);
		if (labels_set(labels, label->string, label->valuestring, err) < 0)
			return -1;
	}
	return 0;
}

static int parse_field(const cJSON *json, struct record *record, const struct field *field, struct error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, field->key);
	int64_t number;

	if (!item && field->required)
		return error_set(err, ERROR_FAILED, "it has no '%s'", field->key);
	switch (field->type) {
	case FIELD_TEXT:
		if (!item)
			return 0;
		if (!cJSON_IsString(item))
			return error_set(err, ERROR_FAILED, "its '%s' is no text", field->key);
		*field_text(record, field) = strdup(item->valuestring);
		return *field_text(record, field) ? 0 : error_memory(err);
	case FIELD_FLAG:
		*field_flag(record, field) = cJSON_IsTrue(item);
		return 0;
	case FIELD_TIME:
		return parse_time(json, field, field_time(record, field), err);
	case FIELD_NUMBER:
		number = json_integer(json, field->key, item ? -1 : 0);
		if (number < 0 || number > INT32_MAX)
			return error_set(err, ERROR_FAILED, "its '%s' is out of range", field->key);
		*field_number(record, field) = (int)number;
		return 0;
	case FIELD_LABELS:
		return parse_labels(item, field->key, field_labels(record, field), err);
	}
	return 0;
}

static int check_ranges(const struct record *record, struct error *err)
{
	char id[ID_SIZE];

	if (!id_parse(record->operation_id, id) || !id_parse(record->bot_id, id))
		return error_set(err, ERROR_FAILED, "an id in it is no UUID");
	if ((int)record->kind >= OPERATION_KIND_COUNT || (int)record->save > SAVE_NEVER ||
	    (int)record->state > CTR_TASK_PAUSING || (int)record->stage > STAGE_UP ||
	    (int)record->pending > PENDING_START)
		return error_set(err, ERROR_FAILED, "a kind in it is unknown");
	if (!target_name_is_valid(record->container_id) || !target_name_is_valid(record->namespace))
		return error_set(err, ERROR_FAILED, "its container cannot exist");
	if (record->kind == OPERATION_ROLLBACK && !record->base)
		return error_set(err, ERROR_FAILED, "it is a rollback to nothing");
	if (record->kind == OPERATION_RESTORE && (!record->live || !record->rollback_name))
		return error_set(err, ERROR_FAILED, "it restores nothing");
	if (record->save != SAVE_NEVER && !record->saved)
		return error_set(err, ERROR_FAILED, "it saves under no name");
	if (record->live && !record->filling)
		return error_set(err, ERROR_FAILED, "it is live without a layer to be filled");
	if ((record->merged && !record->merge_base) || ((record->merged || record->moved_to) && !record->old_upper))
		return error_set(err, ERROR_FAILED, "it merges layers without their names");
	return 0;
}

static bool flag(const cJSON *json, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, key));
}

static void read_flags(const cJSON *json, struct record *record)
{
	if (flag(json, "up"))
		record->stage = STAGE_UP;
	else if (flag(json, "stopping"))
		record->stage = STAGE_DOWN;
	/* A start brings its network along. */
	if (flag(json, "start_pending"))
		record->pending = PENDING_START;
	else if (flag(json, "network_pending"))
		record->pending = PENDING_NETWORK;
	if (flag(json, "nothing_saved"))
		record->save = SAVE_NEVER;
}

int record_parse(const char *bytes, size_t length, struct record *record, struct error *err)
{
	cleanup_json cJSON *json = json_parse(bytes, length, "it", err);
	int64_t format;

	if (!json)
		return -1;
	format = json_integer(json, "format", 0);
	if (format != RECORD_FORMAT && format != RECORD_FORMAT_FLAGS)
		return error_set(err, ERROR_FAILED, "it was written by another version of wsnap");
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (parse_field(json, record, &fields[i], err) < 0)
			return -1;
	if (format == RECORD_FORMAT_FLAGS)
		read_flags(json, record);
	return check_ranges(record, err);
}

bool record_saves(const struct record *record)
{
	return record->save != SAVE_NEVER;
}

bool record_makes_version(const struct record *record)
{
	return record_saves(record) && record->kind != OPERATION_COMPACT;
}

const char *record_what_is(const struct record *record)
{
	if (record->turned_back)
		return "is as it was";
	if (record->kind == OPERATION_COMPACT)
		return "is compacted";
	if (record->kind == OPERATION_RESTORE)
		return "is restored";
	return record_saves(record) ? "is saved" : "was rolled back";
}

const char *record_parent(const struct record *record)
{
	if (record->turned_back)
		return record->saved;
	if (record->base)
		return record->base;
	if (record->top)
		return record->top;
	return record->kind == OPERATION_COMPACT && !record_saves(record) ? record->merged : record->saved;
}
