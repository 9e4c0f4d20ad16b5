#include "layer/names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* The tree holds pointers to the names inside the entries. It is balanced: hostile names
 * cannot make it slow, as they could a hash table. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void keep_node(void *node)
{
	(void)node;
}

struct name_entry *names_find(const struct names *names, const char *name)
{
	char *const *found = tfind(name, &names->tree, compare_names);

	return found ? (void *)(*found - offsetof(struct name_entry, name)) : NULL;
}

struct name_entry *names_add(struct names *names, const char *name, struct error *err)
{
	size_t size = strlen(name) + 1;
	struct name_entry *entry = calloc(1, sizeof(*entry) + size);

	if (!entry) {
		error_memory(err);
		return NULL;
	}
	memcpy(entry->name, name, size);
	if (names->last)
		names->last->next = entry;
	else
		names->first = entry;
	names->last = entry;
	return entry;
}

int names_index(struct names *names, struct name_entry *entry, struct error *err)
{
	return tsearch(entry->name, &names->tree, compare_names) ? 0 : error_memory(err);
}

int names_add_place(struct name_entry *entry, uint32_t place, struct error *err)
{
	if (entry->count == entry->capacity) {
		uint32_t capacity = entry->capacity ? 2 * entry->capacity : 2;
		uint32_t *places = reallocarray(entry->places, capacity, sizeof(*places));

		if (!places)
			return error_memory(err);
		entry->places = places;
		entry->capacity = capacity;
	}
	entry->places[entry->count++] = place;
	return 0;
}

static void drop_index(struct names *names)
{
	tdestroy(names->tree, keep_node);
	names->tree = NULL;
}

struct name_entry *names_take_directory(struct names *names)
{
	drop_index(names);
	while (names->first) {
		struct name_entry *entry = names->first;

		names->first = entry->next;
		if (!names->first)
			names->last = NULL;
		if (entry->count > 0)
			return entry;
		name_entry_free(entry);
	}
	return NULL;
}

void name_entry_free(struct name_entry *entry)
{
	if (!entry)
		return;
	free(entry->places);
	free(entry);
}

void names_release(struct names *names)
{
	drop_index(names);
	while (names->first) {
		struct name_entry *next = names->first->next;

		name_entry_free(names->first);
		names->first = next;
	}
	names->last = NULL;
}
