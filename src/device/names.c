#include "device/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "device/device.h"

#define MAX_NAMES 64
#define MAX_NAME_LENGTH 512
#define MAX_VENDOR_LENGTH 253
#define MAX_CLASS_LENGTH 63

struct name_list {
	char **items;
	size_t count;
};

static void name_list_release(struct name_list *list)
{
	device_names_free(list->items, list->count);
}

#define cleanup_names __attribute__((cleanup(name_list_release)))

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alphanumeric(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_name(const char *name, size_t length, const char *between)
{
	if (length == 0 || !is_alphanumeric(name[0]) || !is_alphanumeric(name[length - 1]))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!is_alphanumeric(name[i]) && (name[i] == '\0' || !strchr(between, name[i])))
			return false;
	return true;
}

bool cdi_kind_is_valid(const char *kind, size_t length)
{
	const char *slash = memchr(kind, '/', length);
	size_t vendor = slash ? (size_t)(slash - kind) : 0;
	size_t class = slash ? length - vendor - 1 : 0;

	return slash && vendor <= MAX_VENDOR_LENGTH && class <= MAX_CLASS_LENGTH && is_letter(kind[0]) &&
	       is_name(kind, vendor, "_-.") && is_letter(slash[1]) && is_name(slash + 1, class, "_-.");
}

bool cdi_device_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length <= MAX_NAME_LENGTH && is_name(name, length, "_-.:");
}

bool cdi_name_is_valid(const char *name)
{
	const char *equals = strchr(name, '=');

	return equals && strlen(name) <= MAX_NAME_LENGTH && cdi_kind_is_valid(name, (size_t)(equals - name)) &&
	       cdi_device_is_valid(equals + 1);
}

static bool name_list_has(const struct name_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

/* Adds the name between white space, unless it is empty or there. */
static int name_list_add(struct name_list *list, const char *bytes, size_t length, struct error *err)
{
	cleanup_free char *copy = strndup(bytes, length);
	cleanup_free char *name = copy ? text_trimmed(copy) : NULL;

	if (!name)
		return error_memory(err);
	if (*name == '\0' || name_list_has(list, name))
		return 0;
	if (!cdi_name_is_valid(name)) {
		error_set(err, ERROR_USAGE, "'%s' is not the name of a device", name);
		return error_hint(err, "a device is named like vendor.com/class=name");
	}
	if (list->count == MAX_NAMES)
		return error_set(err, ERROR_USAGE, "'%s' is one device too many: at most %d are taken", name,
				 MAX_NAMES);
	list->items[list->count++] = steal_pointer(name);
	return 0;
}

static int name_list_split(struct name_list *list, const char *text, struct error *err)
{
	while (true) {
		size_t length = strcspn(text, ",");

		if (name_list_add(list, text, length, err) < 0)
			return -1;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

static int name_list_begin(struct name_list *list, struct error *err)
{
	list->items = calloc(MAX_NAMES, sizeof(*list->items));
	return list->items ? 0 : error_memory(err);
}

static void name_list_give(struct name_list *list, char ***names, size_t *count)
{
	*names = steal_pointer(list->items);
	*count = list->count;
	list->count = 0;
}

int device_names_parse(const char *text, char ***names, size_t *count, struct error *err)
{
	cleanup_names struct name_list list = { 0 };

	*names = NULL;
	*count = 0;
	if (name_list_begin(&list, err) < 0 || (text && name_list_split(&list, text, err) < 0))
		return -1;
	name_list_give(&list, names, count);
	return 0;
}

static int add_metadata(struct name_list *list, const cJSON *devices, struct error *err)
{
	const cJSON *item;

	if (cJSON_IsString(devices))
		return name_list_split(list, devices->valuestring, err);
	if (!cJSON_IsArray(devices))
		return error_set(err, ERROR_USAGE,
				 "'workspace.gpu.devices' in the bot's metadata is neither an array nor a string");
	cJSON_ArrayForEach(item, devices) {
		if (!cJSON_IsString(item)) {
			log_warning("'workspace.gpu.devices' in the bot's metadata has an item that is no text: it is "
				    "passed over");
			continue;
		}
		if (name_list_add(list, item->valuestring, strlen(item->valuestring), err) < 0)
			return -1;
	}
	return 0;
}

int device_names_from_metadata(const char *metadata_json, char ***names, size_t *count, struct error *err)
{
	static const char *const path[] = { "workspace", "gpu", "devices" };
	cleanup_names struct name_list list = { 0 };
	cleanup_json cJSON *json = NULL;
	const cJSON *at;

	*names = NULL;
	*count = 0;
	if (!metadata_json || *metadata_json == '\0')
		return 0;
	json = json_parse(metadata_json, strlen(metadata_json), "the bot's metadata", err);
	if (!json) {
		err->kind = ERROR_USAGE;
		return -1;
	}
	at = json;
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		at = cJSON_GetObjectItemCaseSensitive(at, path[i]);
	if (!at || cJSON_IsNull(at))
		return 0;
	if (name_list_begin(&list, err) < 0 || add_metadata(&list, at, err) < 0)
		return -1;
	name_list_give(&list, names, count);
	return 0;
}

void device_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}
