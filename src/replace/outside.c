#include "replace/outside.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "replace/items.h"

struct outside {
	char *path;
	bool sure;           /* it is what the version has */
	bool judged;         /* it was looked at, for all that becomes of its names */
	const char *instead; /* it is not: the item that its names become names of; NULL: there is none yet */
};

static int compare_outsides(const void *a, const void *b)
{
	const struct outside *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void outside_free(void *node)
{
	struct outside *outside = node;

	free(outside->path);
	free(outside);
}

void outside_release(struct replace *replace)
{
	if (replace->outsides)
		tdestroy(replace->outsides, outside_free);
	replace->outsides = NULL;
}

static struct outside *find(const struct replace *replace, const char *path)
{
	const struct outside wanted = { .path = (char *)(uintptr_t)path };
	struct outside *const *found = tfind(&wanted, &replace->outsides, compare_outsides);

	return found ? *found : NULL;
}

static struct outside *add(struct replace *replace, const char *path, struct error *err)
{
	struct outside *outside = find(replace, path);

	if (outside)
		return outside;
	outside = calloc(1, sizeof(*outside));
	if (outside)
		outside->path = strdup(path);
	if (outside && outside->path && tsearch(outside, &replace->outsides, compare_outsides))
		return outside;
	if (outside)
		outside_free(outside);
	error_memory(err);
	return NULL;
}

int outside_add(struct replace *replace, const char *path, struct error *err)
{
	struct outside *outside = add(replace, path, err);

	if (!outside)
		return -1;
	outside->sure = true;
	return 0;
}

struct doubt {
	const char *path;
	bool whole;
};

static void doubt(const void *node, VISIT which, void *context)
{
	struct outside *outside = *(struct outside *const *)node;
	const struct doubt *moved = context;

	if ((which == preorder || which == leaf) &&
	    (moved->whole ? items_is_in(outside->path, moved->path) : strcmp(outside->path, moved->path) == 0))
		outside->sure = false;
}

void replace_doubt(struct replace *replace, const char *path, bool whole)
{
	twalk_r(replace->outsides, doubt, &(struct doubt){ .path = path, .whole = whole });
}

/* It would become a name of another file than the version's: the first such item is a file of its own, and the others
 * become names of that. */
static int turn(struct replace *replace, struct replace_item *item, struct error *err)
{
	struct outside *outside = add(replace, item->first, err);
	int same = outside && !outside->judged && !outside->sure ? items_is_same(replace, item->first, err) : 0;

	if (!outside || same < 0)
		return -1;
	outside->sure = outside->sure || same > 0;
	outside->judged = true;
	if (outside->sure)
		return 0;
	free(item->first);
	item->first = outside->instead ? strdup(outside->instead) : NULL;
	if (outside->instead)
		return item->first ? 0 : error_memory(err);
	outside->instead = item->path;
	return 0;
}

int replace_settle_links(struct replace *replace, struct error *err)
{
	replace_sort(replace);
	for (size_t i = 0; i < replace->count; i++) {
		struct replace_item *item = replace->items[i];

		if (item->first && !items_find(replace, item->first) && turn(replace, item, err) < 0)
			return -1;
	}
	return 0;
}
