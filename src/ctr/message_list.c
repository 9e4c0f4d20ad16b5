#include "ctr/message_list.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

int message_list_weigh(size_t *kept, size_t bytes, struct error *err)
{
	if (bytes > MESSAGE_LIST_LIMIT - *kept)
		return error_set(err, ERROR_FAILED, "containerd's list would take more than %zu bytes of memory",
				 MESSAGE_LIST_LIMIT);
	*kept += bytes;
	return 0;
}

static int make_room(struct message_list *list, struct error *err)
{
	size_t capacity = list->capacity ? 2 * list->capacity : FIRST_CAPACITY;
	void *grown;

	if (list->count < list->capacity)
		return 0;
	grown = reallocarray(list->items, capacity, list->kind->size);
	if (!grown)
		return error_memory(err);
	list->items = grown;
	list->capacity = capacity;
	return 0;
}

int message_list_add(struct message_list *list, const void *from, struct error *err)
{
	const struct message_items *kind = list->kind;
	char *item;

	if (message_list_weigh(&list->kept, kind->weigh(from), err) < 0 || make_room(list, err) < 0)
		return -1;
	item = (char *)list->items + list->count * kind->size;
	memset(item, 0, kind->size);
	if (kind->copy(item, from, err) < 0) {
		kind->release(item);
		return -1;
	}
	list->count++;
	return 0;
}

void *message_list_steal(struct message_list *list, size_t *count)
{
	void *items = list->items;

	*count = list->count;
	*list = (struct message_list){ .kind = list->kind };
	return items;
}

void message_list_release(struct message_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->kind->release((char *)list->items + i * list->kind->size);
	free(list->items);
	*list = (struct message_list){ .kind = list->kind };
}
