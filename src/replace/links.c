/* Files of the tree that have several names. */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "replace/items.h"
#include "replace/outside.h"

struct group {
	dev_t device;
	ino_t number;
	char *first;  /* the path that the others become names of */
	bool asked;   /* all its names were looked for */
	bool outside; /* the first is one that is not to be changed */
};

static int compare_groups(const void *a, const void *b)
{
	const struct group *left = a, *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

static void group_free(void *node)
{
	struct group *group = node;

	free(group->first);
	free(group);
}

void links_release(struct replace *replace)
{
	if (replace->groups)
		tdestroy(replace->groups, group_free);
	replace->groups = NULL;
}

static struct group *find_group(const struct replace *replace, const struct stat *status)
{
	const struct group wanted = { .device = status->st_dev, .number = status->st_ino };
	struct group *const *found = tfind(&wanted, &replace->groups, compare_groups);

	return found ? *found : NULL;
}

static bool has_names(const struct stat *status)
{
	return !S_ISDIR(status->st_mode) && status->st_nlink > 1;
}

static int add_group(struct replace *replace, const struct stat *status, const char *first, struct error *err)
{
	struct group *group = malloc(sizeof(*group));

	if (group)
		*group = (struct group){ .device = status->st_dev, .number = status->st_ino, .first = strdup(first) };
	if (group && group->first && tsearch(group, &replace->groups, compare_groups)) {
		replace->unasked++;
		return 0;
	}
	if (group)
		group_free(group);
	return error_memory(err);
}

static int join(struct replace_item *item, const struct group *group, struct error *err)
{
	if (item->first || strcmp(item->path, group->first) == 0)
		return 0;
	item->first = strdup(group->first);
	return item->first ? 0 : error_memory(err);
}

/* An item that is a file with several names: it is the first of them, or becomes one more name of that. */
static int place(struct replace *replace, struct replace_item *item, struct error *err)
{
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->there, item->path, &name);
	struct group *group;

	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return beneath_is_gone(errno) ? 0
					      : error_errno(err, ERROR_FAILED, errno,
							    "cannot examine '/%s' of the version", item->path);
	if (!has_names(&status))
		return 0;
	group = find_group(replace, &status);
	return group ? join(item, group, err) : add_group(replace, &status, item->path, err);
}

/* A name that is not to be changed, of a file that has others: they become names of it where it is what it should be. */
static int take_as_first(struct replace *replace, struct group *group, const char *path, struct error *err)
{
	int same = group->outside ? 0 : items_is_same(replace, path, err);
	char *first;

	if (same <= 0)
		return same;
	first = strdup(path);
	if (!first)
		return error_memory(err);
	free(group->first);
	group->first = first;
	group->outside = true;
	return outside_add(replace, path, err);
}

static int look_at_entry(struct replace *replace, const char *path, const struct stat *status, struct error *err)
{
	struct group *group = has_names(status) ? find_group(replace, status) : NULL;

	if (!group || group->asked || items_find(replace, path) || items_is_mounted(replace, path))
		return 0;
	if (items_is_in_scope(replace, path))
		return items_add(replace, path, err) ? 0 : -1;
	return take_as_first(replace, group, path, err);
}

static int place_all(struct replace *replace, struct error *err)
{
	replace_sort(replace);
	for (size_t i = 0; i < replace->count; i++)
		if (!replace->items[i]->noted && place(replace, replace->items[i], err) < 0)
			return -1;
	return 0;
}

static void note_asked(const void *node, VISIT which, void *context)
{
	struct group *group = *(struct group *const *)node;

	(void)context;
	if (which == preorder || which == leaf)
		group->asked = true;
}

int replace_link(struct replace *replace, bool search, struct error *err)
{
	if (place_all(replace, err) < 0)
		return -1;
	if (!search || replace->unasked == 0)
		return 0;
	if (items_walk_tree(replace, look_at_entry, err) < 0)
		return -1;
	twalk_r(replace->groups, note_asked, NULL);
	replace->unasked = 0;
	/* The first may be another by now. */
	for (size_t i = 0; i < replace->count; i++) {
		if (replace->items[i]->noted)
			continue;
		free(replace->items[i]->first);
		replace->items[i]->first = NULL;
	}
	return place_all(replace, err);
}
