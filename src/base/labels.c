#include "base/labels.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static struct label *labels_find(const struct labels *labels, const char *key)
{
	for (size_t i = 0; i < labels->count; i++)
		if (strcmp(labels->items[i].key, key) == 0)
			return &labels->items[i];
	return NULL;
}

const char *labels_get(const struct labels *labels, const char *key)
{
	const struct label *label = labels_find(labels, key);

	return label ? label->value : NULL;
}

int labels_set(struct labels *labels, const char *key, const char *value, struct error *err)
{
	struct label *label = labels_find(labels, key), *grown;
	cleanup_free char *new_key = NULL, *new_value = strdup(value);

	if (!new_value)
		return error_memory(err);
	if (label) {
		free(label->value);
		label->value = steal_pointer(new_value);
		return 0;
	}
	new_key = strdup(key);
	grown = new_key ? reallocarray(labels->items, labels->count + 1, sizeof(*grown)) : NULL;
	if (!grown)
		return error_memory(err);
	labels->items = grown;
	labels->items[labels->count++] =
		(struct label){ .key = steal_pointer(new_key), .value = steal_pointer(new_value) };
	return 0;
}

int labels_copy(struct labels *to, const struct labels *from, struct error *err)
{
	for (size_t i = 0; i < from->count; i++)
		if (labels_set(to, from->items[i].key, from->items[i].value, err) < 0)
			return -1;
	return 0;
}

void labels_release(struct labels *labels)
{
	for (size_t i = 0; i < labels->count; i++) {
		free(labels->items[i].key);
		free(labels->items[i].value);
	}
	free(labels->items);
	*labels = (struct labels){ 0 };
}
