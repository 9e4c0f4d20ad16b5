/* A list of ours that is made of the items of messages: of one reply, or of a stream as it comes. */
#ifndef WSNAP_CTR_MESSAGE_LIST_H
#define WSNAP_CTR_MESSAGE_LIST_H

#include <stddef.h>

#include "base/error.h"

/*
 * What a list keeps, in bytes: a cap on what is held, whatever else passes by (containers bring specs of megabytes
 * along, of which nothing stays).
 */
#define MESSAGE_LIST_LIMIT ((size_t)256 << 20)

/* How an item of ours comes out of one of a message. */
struct message_items {
	size_t size;                                                /* of ours */
	size_t (*weigh)(const void *from);                          /* what ours will take, in bytes */
	int (*copy)(void *to, const void *from, struct error *err); /* to zeroed memory */
	void (*release)(void *item);
};

/* Set `kind`, the rest to zero. */
struct message_list {
	const struct message_items *kind;
	void *items;
	size_t count, capacity;
	size_t kept; /* bytes */
};

/* Adds an item. Where it fails, the list is as before; ERROR_FAILED over the limit. */
int message_list_add(struct message_list *list, const void *from, struct error *err);

/* The items, which are the caller's from now on: NULL where there are none. */
void *message_list_steal(struct message_list *list, size_t *count);
void message_list_release(struct message_list *list);

#define cleanup_message_list __attribute__((cleanup(message_list_release)))

/* Adds what is weighed of strings apart from the list: ERROR_FAILED over the limit. */
int message_list_weigh(size_t *kept, size_t bytes, struct error *err);

#endif
