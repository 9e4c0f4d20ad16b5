#include "base/names_set.h"

#include <stdlib.h>
#include <string.h>

/* Where the name is, or would be put; *found tells which. */
static size_t find(const struct names_set *set, const char *name, bool *found)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, set->items[middle]);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*found = false;
	return low;
}

static int make_room(struct names_set *set, struct error *err)
{
	size_t capacity = set->capacity ? set->capacity * 2 : 16;
	char **grown;

	if (set->count < set->capacity)
		return 0;
	grown = reallocarray(set->items, capacity, sizeof(*grown));
	if (!grown)
		return error_memory(err);
	set->items = grown;
	set->capacity = capacity;
	return 0;
}

int names_set_add(struct names_set *set, const char *name, struct error *err)
{
	bool found;
	size_t at = find(set, name, &found);
	char *copy;

	if (found)
		return 0;
	if (make_room(set, err) < 0)
		return -1;
	copy = strdup(name);
	if (!copy)
		return error_memory(err);
	memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof(*set->items));
	set->items[at] = copy;
	set->count++;
	return 0;
}

bool names_set_has(const struct names_set *set, const char *name)
{
	bool found;

	find(set, name, &found);
	return found;
}

void names_set_release(struct names_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i]);
	free(set->items);
	*set = (struct names_set){ 0 };
}
