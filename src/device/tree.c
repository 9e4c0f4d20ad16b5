#include "device/tree.h"

#include <stdio.h>
#include <string.h>

#define MAX_PATH 64

/* Copies the path's next member to `member`, and returns the path behind it, NULL at the end. */
static const char *next_member(const char *path, char member[static MAX_PATH])
{
	size_t length = strcspn(path, ".");

	snprintf(member, MAX_PATH, "%.*s", (int)length, path);
	return path[length] ? path + length + 1 : NULL;
}

cJSON *tree_find(const cJSON *root, const char *path)
{
	cJSON *at = NULL;
	char member[MAX_PATH];

	while (path) {
		path = next_member(path, member);
		at = cJSON_GetObjectItemCaseSensitive(root, member);
		root = at;
	}
	return at;
}

static cJSON *make(cJSON *root, const char *path, bool array, struct error *err)
{
	const char *whole = path;
	char member[MAX_PATH];

	while (path) {
		cJSON *at;

		path = next_member(path, member);
		at = cJSON_GetObjectItemCaseSensitive(root, member);
		if (cJSON_IsNull(at)) {
			cJSON_Delete(cJSON_DetachItemViaPointer(root, at));
			at = NULL;
		}
		if (!at)
			at = array && !path ? cJSON_AddArrayToObject(root, member)
					    : cJSON_AddObjectToObject(root, member);
		if (!at) {
			error_memory(err);
			return NULL;
		}
		if (array && !path ? !cJSON_IsArray(at) : !cJSON_IsObject(at)) {
			error_set(err, ERROR_FAILED, "'%s' in the container's spec has a wrong type", whole);
			return NULL;
		}
		root = at;
	}
	return root;
}

cJSON *tree_make_array(cJSON *root, const char *path, struct error *err)
{
	return make(root, path, true, err);
}

cJSON *tree_make_object(cJSON *root, const char *path, struct error *err)
{
	return make(root, path, false, err);
}

void tree_prune(cJSON *root, const char *path)
{
	char parent_path[MAX_PATH], *dot;
	cJSON *item = tree_find(root, path), *parent = root;

	if (!item || item->child || strcmp(path, "process") == 0 || strcmp(path, "linux") == 0)
		return;
	snprintf(parent_path, sizeof(parent_path), "%s", path);
	dot = strrchr(parent_path, '.');
	if (dot) {
		*dot = '\0';
		parent = tree_find(root, parent_path);
	}
	cJSON_Delete(cJSON_DetachItemViaPointer(parent, item));
	if (dot)
		tree_prune(root, parent_path);
}

/* By taking the rest off and putting it back: cJSON_InsertItemInArray breaks the list in cJSON 1.7.15. */
void tree_insert(cJSON *array, cJSON *before, cJSON *item)
{
	cJSON_AddItemToArray(array, item);
	while (before) {
		cJSON *next = before->next == item ? NULL : before->next;

		cJSON_AddItemToArray(array, cJSON_DetachItemViaPointer(array, before));
		before = next;
	}
}
