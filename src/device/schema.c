#include "device/schema.h"

#include <limits.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "device/names.h"
#include "device/rules.h"

/* More than any list in a CDI file has: its items are compared with each other. */
#define MAX_ITEMS 4096

/* Comparable: 100 times major plus minor. The earliest that the library reads is 0.3.0. */
enum version { V03 = 3, V04 = 4, V05 = 5, V06 = 6, V07 = 7, V08 = 8, V10 = 100, V11 = 101 };

enum type { TEXT, TEXTS, WHOLE, WHOLES, TRUTH, TEXT_MAP, OBJECT, OBJECTS };

struct field {
	const char *name;
	enum type type;
	enum version since;
	bool required;
	double least, most;          /* of WHOLE and WHOLES */
	const struct field *members; /* of OBJECT and OBJECTS */
};

static const struct field device_node_fields[] = {
	{ .name = "path", .type = TEXT, .required = true },
	{ .name = "hostPath", .type = TEXT, .since = V05 },
	{ .name = "type", .type = TEXT },
	{ .name = "major", .type = WHOLE, .most = UINT32_MAX },
	{ .name = "minor", .type = WHOLE, .most = UINT32_MAX },
	{ .name = "fileMode", .type = WHOLE, .most = UINT32_MAX },
	{ .name = "permissions", .type = TEXT },
	{ .name = "uid", .type = WHOLE, .most = UINT32_MAX },
	{ .name = "gid", .type = WHOLE, .most = UINT32_MAX },
	{ 0 },
};

static const struct field net_device_fields[] = {
	{ .name = "hostInterfaceName", .type = TEXT, .required = true },
	{ .name = "name", .type = TEXT, .required = true },
	{ 0 },
};

static const struct field mount_fields[] = {
	{ .name = "hostPath", .type = TEXT, .required = true },
	{ .name = "containerPath", .type = TEXT, .required = true },
	{ .name = "options", .type = TEXTS },
	{ .name = "type", .type = TEXT, .since = V04 },
	{ 0 },
};

static const struct field hook_fields[] = {
	{ .name = "hookName", .type = TEXT, .required = true },
	{ .name = "path", .type = TEXT, .required = true },
	{ .name = "args", .type = TEXTS },
	{ .name = "env", .type = TEXTS },
	{ .name = "timeout", .type = WHOLE, .least = 1, .most = INT_MAX },
	{ 0 },
};

/* enableCMT and enableMBM were there from 0.7.0 until 1.1.0 dropped them. */
static const struct field rdt_fields[] = {
	{ .name = "closID", .type = TEXT },
	{ .name = "l3CacheSchema", .type = TEXT },
	{ .name = "memBwSchema", .type = TEXT },
	{ .name = "enableCMT", .type = TRUTH },
	{ .name = "enableMBM", .type = TRUTH },
	{ .name = "schemata", .type = TEXTS, .since = V11 },
	{ .name = "enableMonitoring", .type = TRUTH, .since = V11 },
	{ 0 },
};

static const struct field edits_fields[] = {
	{ .name = "env", .type = TEXTS },
	{ .name = "deviceNodes", .type = OBJECTS, .members = device_node_fields },
	{ .name = "netDevices", .type = OBJECTS, .since = V11, .members = net_device_fields },
	{ .name = "mounts", .type = OBJECTS, .members = mount_fields },
	{ .name = "hooks", .type = OBJECTS, .members = hook_fields },
	{ .name = "intelRdt", .type = OBJECT, .since = V07, .members = rdt_fields },
	{ .name = "additionalGids", .type = WHOLES, .since = V07, .most = UINT32_MAX },
	{ 0 },
};

static const struct field device_fields[] = {
	{ .name = "name", .type = TEXT, .required = true },
	{ .name = "annotations", .type = TEXT_MAP, .since = V06 },
	{ .name = "containerEdits", .type = OBJECT, .required = true, .members = edits_fields },
	{ 0 },
};

static const struct field file_fields[] = {
	{ .name = "cdiVersion", .type = TEXT, .required = true },
	{ .name = "kind", .type = TEXT, .required = true },
	{ .name = "annotations", .type = TEXT_MAP, .since = V06 },
	{ .name = "devices", .type = OBJECTS, .required = true, .members = device_fields },
	{ .name = "containerEdits", .type = OBJECT, .members = edits_fields },
	{ 0 },
};

static int check_object(cJSON *object, const struct field *fields, enum version version, const char *name,
			struct error *err);

static int read_version(const char *text, enum version *version, struct error *err)
{
	static const struct {
		const char *text;
		enum version version;
	} known[] = { { "0.3.0", V03 }, { "0.4.0", V04 }, { "0.5.0", V05 }, { "0.6.0", V06 },
		      { "0.7.0", V07 }, { "0.8.0", V08 }, { "1.0.0", V10 }, { "1.1.0", V11 } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(text + (*text == 'v'), known[i].text) == 0) {
			*version = known[i].version;
			return 0;
		}
	}
	return error_set(err, ERROR_FAILED, "CDI version '%s' is not known", text);
}

static int needs_version(const char *subject, enum version since, struct error *err)
{
	return error_set(err, ERROR_FAILED, "'%s' needs CDI version %d.%d.0 or later", subject, since / 100,
			 since % 100);
}

/* YAML reads 1 and true as a number and a truth value. Where a text is wanted, it is taken as it was written. */
static bool make_text(cJSON *item)
{
	if ((cJSON_IsNumber(item) || cJSON_IsBool(item)) && item->valuestring)
		item->type = cJSON_String;
	return cJSON_IsString(item);
}

static bool is_whole(const cJSON *item, const struct field *field)
{
	return cJSON_IsNumber(item) && item->valuedouble == trunc(item->valuedouble) &&
	       item->valuedouble >= field->least && item->valuedouble <= field->most;
}

static bool check_texts(const cJSON *list)
{
	cJSON *item;

	cJSON_ArrayForEach(item, list)
		if (!make_text(item))
			return false;
	return true;
}

static bool check_wholes(const cJSON *list, const struct field *field)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
		if (!is_whole(item, field))
			return false;
	return true;
}

static bool has_type(cJSON *item, const struct field *field)
{
	switch (field->type) {
	case TEXT:
		return make_text(item);
	case TEXTS:
		return cJSON_IsArray(item) && check_texts(item);
	case WHOLE:
		return is_whole(item, field);
	case WHOLES:
		return cJSON_IsArray(item) && check_wholes(item, field);
	case TRUTH:
		return cJSON_IsBool(item);
	case TEXT_MAP:
		return cJSON_IsObject(item) && check_texts(item);
	case OBJECT:
		return cJSON_IsObject(item);
	case OBJECTS:
		return cJSON_IsArray(item);
	}
	return false;
}

/* As the library sees it: a field with an empty value does not make the file need the version that brought the
 * field. */
static bool is_used(const cJSON *item, const struct field *field)
{
	if (field->type == TEXT)
		return *item->valuestring != '\0';
	return field->type == OBJECT || item->child || cJSON_IsTrue(item);
}

static int check_field(cJSON *item, const struct field *field, enum version version, struct error *err)
{
	cJSON *member;

	if (!has_type(item, field))
		return error_set(err, ERROR_FAILED, "'%s' has a wrong type or is out of range", field->name);
	if (field->since > version && is_used(item, field))
		return needs_version(field->name, field->since, err);
	if (field->type == OBJECT)
		return check_object(item, field->members, version, field->name, err);
	if (cJSON_IsArray(item) && cJSON_GetArraySize(item) > MAX_ITEMS)
		return error_set(err, ERROR_FAILED, "'%s' has more than %d items", field->name, MAX_ITEMS);
	if (field->type != OBJECTS)
		return 0;
	cJSON_ArrayForEach(member, item)
		if (check_object(member, field->members, version, field->name, err) < 0)
			return -1;
	return 0;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcasecmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static int check_required(const cJSON *object, const struct field *fields, const char *name, struct error *err)
{
	for (; fields->name; fields++)
		if (fields->required && !cJSON_GetObjectItemCaseSensitive(object, fields->name))
			return error_set(err, ERROR_FAILED, "'%s' has no '%s'", name, fields->name);
	return 0;
}

/* Drops null members, spells the others as the table does, and finds unknown and double ones. */
static int normalize(cJSON *object, const struct field *fields, const char *name, struct error *err)
{
	unsigned seen = 0;
	cJSON *next;

	for (cJSON *item = object->child; item; item = next) {
		const struct field *field = find_field(fields, item->string);

		next = item->next;
		if (!field)
			return error_set(err, ERROR_FAILED, "'%s' has the unknown field '%s'", name, item->string);
		if (seen & 1U << (field - fields))
			return error_set(err, ERROR_FAILED, "'%s' has '%s' twice", name, field->name);
		seen |= 1U << (field - fields);
		memcpy(item->string, field->name, strlen(field->name));
		if (cJSON_IsNull(item))
			cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
	}
	return check_required(object, fields, name, err);
}

static int check_object(cJSON *object, const struct field *fields, enum version version, const char *name,
			struct error *err)
{
	cJSON *item;

	if (!cJSON_IsObject(object))
		return error_set(err, ERROR_FAILED, "'%s' is not an object", name);
	if (normalize(object, fields, name, err) < 0)
		return -1;
	cJSON_ArrayForEach(item, object)
		if (check_field(item, find_field(fields, item->string), version, err) < 0)
			return -1;
	return 0;
}

static int check_device(const cJSON *device, enum version version, struct error *err)
{
	const char *name = json_text(device, "name");
	const cJSON *edits = cJSON_GetObjectItemCaseSensitive(device, "containerEdits");

	if (!cdi_device_is_valid(name))
		return error_set(err, ERROR_FAILED, "'%s' is not a name for a device", name);
	if (*name >= '0' && *name <= '9' && version < V05)
		return needs_version(name, V05, err);
	if (cdi_edits_are_empty(edits))
		return error_set(err, ERROR_FAILED, "device '%s' has no edits", name);
	for (const cJSON *other = device->next; other; other = other->next)
		if (strcmp(json_text(other, "name"), name) == 0)
			return error_set(err, ERROR_FAILED, "device '%s' is there twice", name);
	if (cdi_edits_check(edits, err) < 0)
		return error_wrap(err, "device '%s'", name);
	return 0;
}

static int check_kind(const char *kind, enum version version, struct error *err)
{
	if (!cdi_kind_is_valid(kind, strlen(kind)))
		return error_set(err, ERROR_FAILED, "'%s' is not a kind like vendor.com/class", kind);
	/* The dots of the class, not those of the vendor. */
	if (strchr(strchr(kind, '/'), '.') && version < V06)
		return needs_version(kind, V06, err);
	return 0;
}

int cdi_file_check(cJSON *file, struct error *err)
{
	enum version version = V03;
	const cJSON *device, *devices;

	if (!cJSON_IsObject(file))
		return error_set(err, ERROR_FAILED, "the file is not an object");
	if (normalize(file, file_fields, "the file", err) < 0)
		return -1;
	if (!make_text(cJSON_GetObjectItemCaseSensitive(file, "cdiVersion")))
		return error_set(err, ERROR_FAILED, "'cdiVersion' is not a text");
	if (read_version(json_text(file, "cdiVersion"), &version, err) < 0 ||
	    check_object(file, file_fields, version, "the file", err) < 0 ||
	    check_kind(json_text(file, "kind"), version, err) < 0 ||
	    cdi_edits_check(cJSON_GetObjectItemCaseSensitive(file, "containerEdits"), err) < 0)
		return -1;
	devices = cJSON_GetObjectItemCaseSensitive(file, "devices");
	if (!devices->child)
		return error_set(err, ERROR_FAILED, "the file has no devices");
	cJSON_ArrayForEach(device, devices)
		if (check_device(device, version, err) < 0)
			return -1;
	return 0;
}
