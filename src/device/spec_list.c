#include "device/spec_list.h"

#include <string.h>

static bool is_same_variable(const cJSON *a, const cJSON *b)
{
	const char *first = cJSON_GetStringValue(a), *second = cJSON_GetStringValue(b);
	size_t length = first ? strcspn(first, "=") : 0;

	return first && second && strcspn(second, "=") == length && strncmp(first, second, length) == 0;
}

static bool is_same_device(const cJSON *a, const cJSON *b)
{
	const char *first = json_text(a, "path"), *second = json_text(b, "path");

	return first && second && strcmp(first, second) == 0;
}

/* The length of a path without slashes at its end: 0 for the root. */
static size_t path_length(const char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] == '/')
		length--;
	return length;
}

static bool is_same_mount(const cJSON *a, const cJSON *b)
{
	const char *first = json_text(a, "destination"), *second = json_text(b, "destination");

	return first && second && path_length(first) == path_length(second) &&
	       strncmp(first, second, path_length(first)) == 0;
}

static bool is_identical(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(a, b, true);
}

static bool is_under(const cJSON *mount, const cJSON *parent)
{
	const char *path = json_text(mount, "destination"), *above = json_text(parent, "destination");
	size_t length = above ? path_length(above) : 0;

	return path && above && path_length(path) > length && strncmp(path, above, length) == 0 && path[length] == '/';
}

static const struct spec_list lists[] = {
	[SPEC_ENV] = { "process.env", is_same_variable, false },
	[SPEC_DEVICES] = { "linux.devices", is_same_device, false },
	[SPEC_DEVICE_RULES] = { "linux.resources.devices", is_identical, false },
	[SPEC_MOUNTS] = { "mounts", is_same_mount, true },
	[SPEC_GIDS] = { "process.user.additionalGids", is_identical, false },
	[SPEC_PRESTART] = { "hooks.prestart", is_identical, false },
	[SPEC_CREATE_RUNTIME] = { "hooks.createRuntime", is_identical, false },
	[SPEC_CREATE_CONTAINER] = { "hooks.createContainer", is_identical, false },
	[SPEC_START_CONTAINER] = { "hooks.startContainer", is_identical, false },
	[SPEC_POSTSTART] = { "hooks.poststart", is_identical, false },
	[SPEC_POSTSTOP] = { "hooks.poststop", is_identical, false },
};

const struct spec_list *spec_list_of(enum spec_list_id id)
{
	return &lists[id];
}

const struct spec_list *spec_list_find(const char *path)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (strcmp(lists[i].path, path) == 0)
			return &lists[i];
	return NULL;
}

cJSON *spec_list_same(const struct spec_list *list, const cJSON *array, const cJSON *item)
{
	cJSON *other, *last = NULL;

	cJSON_ArrayForEach(other, array)
		if (list->is_same(other, item))
			last = other;
	return last;
}

cJSON *spec_list_before(const struct spec_list *list, const cJSON *array, const cJSON *item)
{
	cJSON *other;

	if (!list->parents_first)
		return NULL;
	cJSON_ArrayForEach(other, array)
		if (is_under(other, item))
			return other;
	return NULL;
}
