#include "layer/layer.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* The kernel stacks no more (fs/overlayfs, OVL_MAX_STACK). */
#define LAYERS_MAX 500
#define LOWERDIR_MAX 65536

/* Reads one path up to an unescaped ':' or the end, into `path`. Returns what is behind it. */
static const char *read_path(const char *next, struct text *path)
{
	while (*next && *next != ':') {
		if (*next == '\\' && next[1])
			next++;
		text_append(path, next, 1);
		next++;
	}
	return next;
}

static int add_path(struct layer_paths *paths, struct text *path, struct error *err)
{
	char **items;

	if (path->failed)
		return error_memory(err);
	if (path->length == 0 || path->data[0] != '/')
		return error_set(err, ERROR_FAILED, "the overlay's lower layer '%s' is not an absolute path",
				 path->length ? path->data : "");
	if (paths->count == LAYERS_MAX)
		return error_set(err, ERROR_FAILED, "the overlay has more than %d lower layers", LAYERS_MAX);
	items = reallocarray(paths->items, paths->count + 1, sizeof(*items));
	if (!items)
		return error_memory(err);
	paths->items = items;
	items[paths->count] = text_steal(path);
	if (!items[paths->count])
		return error_memory(err);
	paths->count++;
	return 0;
}

static int parse_paths(const char *next, struct layer_paths *paths, struct error *err)
{
	for (;;) {
		cleanup_text struct text path = { 0 };

		next = read_path(next, &path);
		if (add_path(paths, &path, err) < 0)
			return -1;
		if (!*next)
			return 0;
		next++;
	}
}

int layer_paths_parse(const char *lowerdir, struct layer_paths *paths, struct error *err)
{
	*paths = (struct layer_paths){ 0 };
	if (strnlen(lowerdir, LOWERDIR_MAX + 1) > LOWERDIR_MAX)
		return error_set(err, ERROR_FAILED, "the overlay's lower layers are too many to read");
	if (parse_paths(lowerdir, paths, err) < 0) {
		layer_paths_free(paths);
		return -1;
	}
	return 0;
}

/* Up to the last '/' that all have in common. */
static size_t common_folder(const struct layer_paths *paths)
{
	const char *first = paths->items[0];
	size_t common = strlen(first);

	for (size_t i = 1; i < paths->count; i++) {
		size_t same = 0;

		while (same < common && paths->items[i][same] == first[same])
			same++;
		common = same;
	}
	while (common > 0 && first[common - 1] != '/')
		common--;
	return common;
}

size_t layer_paths_mount_size(const struct layer_paths *paths, const char *upper)
{
	static const char words[] =
		"userxattr,index=off,metacopy=off,redirect_dir=off,uidmap=,lowerdir=,upperdir=,workdir=";
	size_t size = sizeof(words) + 2 * strlen(upper) + sizeof("work");
	size_t common = paths->count > 0 ? common_folder(paths) : 0;

	for (size_t i = 0; i < paths->count; i++)
		size += strlen(paths->items[i]) - common + 1;
	return size;
}

void layer_paths_free(struct layer_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct layer_paths){ 0 };
}
