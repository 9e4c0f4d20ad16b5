#include "live/moves.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NONE UINT32_MAX

/* Names come from the workspace. One that chose them so that many fall into the same bucket would make only its own
 * versions slow. */
static uint32_t bucket_of(const struct moves *moves, uint64_t folder, const char *name)
{
	uint64_t hash = hash_add(folder * 0x9e3779b97f4a7c15u, name, strlen(name));

	hash ^= hash >> 29;
	return (uint32_t)hash & (moves->capacity - 1);
}

static int grow(struct moves *moves, struct error *err)
{
	uint32_t capacity = moves->capacity ? 2 * moves->capacity : 256;
	struct move *items = reallocarray(moves->items, capacity, sizeof(*items));
	uint32_t *buckets;

	if (!items)
		return error_memory(err);
	moves->items = items;
	buckets = reallocarray(moves->buckets, capacity, sizeof(*buckets));
	if (!buckets)
		return error_memory(err);
	moves->buckets = buckets;
	moves->capacity = capacity;
	memset(buckets, 0xff, capacity * sizeof(*buckets));
	for (uint32_t i = 0; i < moves->count; i++) {
		uint32_t *bucket = &buckets[bucket_of(moves, items[i].folder, moves_name(moves, i))];

		items[i].next = *bucket;
		*bucket = i;
	}
	return 0;
}

static int add_name(struct moves *moves, const char *name, struct error *err)
{
	size_t size = strlen(name) + 1;

	if (moves->names_length + size > moves->names_capacity) {
		size_t capacity = 2 * moves->names_capacity + size + 1024;
		char *names = realloc(moves->names, capacity);

		if (!names)
			return error_memory(err);
		moves->names = names;
		moves->names_capacity = capacity;
	}
	memcpy(moves->names + moves->names_length, name, size);
	moves->names_length += size;
	return 0;
}

int moves_add(struct moves *moves, uint64_t folder, const char *name, unsigned flags, struct error *err)
{
	size_t at = moves->names_length;
	uint32_t *bucket;

	if (moves->count == moves->capacity && grow(moves, err) < 0)
		return -1;
	bucket = &moves->buckets[bucket_of(moves, folder, name)];
	for (uint32_t i = *bucket; i != NONE; i = moves->items[i].next) {
		if (moves->items[i].folder == folder && strcmp(moves_name(moves, i), name) == 0) {
			moves->items[i].flags |= flags;
			return 0;
		}
	}
	if (add_name(moves, name, err) < 0)
		return -1;
	moves->items[moves->count] = (struct move){ .folder = folder, .name = at, .flags = flags, .next = *bucket };
	*bucket = moves->count++;
	return 0;
}

int moves_add_all(struct moves *moves, const struct moves *from, unsigned mask, struct error *err)
{
	for (uint32_t i = 0; i < from->count; i++)
		if (moves_add(moves, from->items[i].folder, moves_name(from, i), from->items[i].flags & mask, err) < 0)
			return -1;
	return 0;
}

void moves_release(struct moves *moves)
{
	free(moves->items);
	free(moves->buckets);
	free(moves->names);
	*moves = (struct moves){ 0 };
}
