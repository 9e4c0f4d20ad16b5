#include "replace/items.h"

#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void item_free(struct replace_item *item)
{
	if (item->staged >= 0)
		close(item->staged);
	free(item->path);
	free(item->was);
	free(item->first);
	free(item);
}

static void keep_item(void *item)
{
	(void)item;
}

void items_release(struct replace *replace)
{
	if (replace->index)
		tdestroy(replace->index, keep_item);
	for (size_t i = 0; i < replace->count; i++)
		item_free(replace->items[i]);
	free(replace->items);
}

int replace_add_scope(struct replace *replace, const char *path, struct error *err)
{
	return names_set_add(&replace->scopes, path, err);
}

int replace_add_mount(struct replace *replace, const char *path, struct error *err)
{
	return *path ? names_set_add(&replace->mounts, path, err) : 0;
}

bool items_is_in(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return length == 0 || (strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/'));
}

bool items_is_in_scope(const struct replace *replace, const char *path)
{
	for (size_t i = 0; i < replace->scopes.count; i++)
		if (items_is_in(path, replace->scopes.items[i]))
			return true;
	return replace->scopes.count == 0;
}

bool items_is_mounted(const struct replace *replace, const char *path)
{
	for (size_t i = 0; i < replace->mounts.count; i++)
		if (items_is_in(path, replace->mounts.items[i]))
			return true;
	return false;
}

bool items_holds_mount(const struct replace *replace, const char *path)
{
	for (size_t i = 0; i < replace->mounts.count; i++)
		if (items_is_in(replace->mounts.items[i], path) && strcmp(replace->mounts.items[i], path) != 0)
			return true;
	return false;
}

static int compare_paths(const void *a, const void *b)
{
	const struct replace_item *left = a, *right = b;

	return strcmp(left->path, right->path);
}

struct replace_item *items_find(const struct replace *replace, const char *path)
{
	const struct replace_item wanted = { .path = (char *)(uintptr_t)path };
	struct replace_item *const *found = tfind(&wanted, &replace->index, compare_paths);

	return found ? *found : NULL;
}

static int make_room(struct replace *replace, struct error *err)
{
	size_t capacity = replace->capacity ? 2 * replace->capacity : 64;
	struct replace_item **grown;

	if (replace->count < replace->capacity)
		return 0;
	grown = reallocarray(replace->items, capacity, sizeof(*grown));
	if (!grown)
		return error_memory(err);
	replace->items = grown;
	replace->capacity = capacity;
	return 0;
}

struct replace_item *items_add(struct replace *replace, const char *path, struct error *err)
{
	struct replace_item *item = items_find(replace, path);

	if (item)
		return item;
	if (make_room(replace, err) < 0)
		return NULL;
	item = malloc(sizeof(*item));
	if (item)
		*item = (struct replace_item){ .path = strdup(path), .staged = -1 };
	if (!item || !item->path || !tsearch(item, &replace->index, compare_paths)) {
		if (item)
			item_free(item);
		error_memory(err);
		return NULL;
	}
	replace->items[replace->count++] = item;
	replace->sorted = false;
	return item;
}

int replace_add(struct replace *replace, const char *path, struct error *err)
{
	if (!items_is_in_scope(replace, path) || items_is_mounted(replace, path))
		return 0;
	return items_add(replace, path, err) ? 0 : -1;
}

static int compare_items(const void *a, const void *b)
{
	return compare_paths(*(struct replace_item *const *)a, *(struct replace_item *const *)b);
}

void replace_sort(struct replace *replace)
{
	if (!replace->sorted && replace->count > 0)
		qsort(replace->items, replace->count, sizeof(struct replace_item *), compare_items);
	replace->sorted = true;
}
