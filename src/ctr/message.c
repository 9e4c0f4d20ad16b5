#include "ctr/message.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/common.pb-c.h"
#include "ctr/any.h"
#include "ctr/message_list.h"

#define NS_PER_SECOND 1000000000
#define LABEL_LIMIT 4096 /* labels of one object; hosts have a few dozen */

int message_copy_string(char **to, const char *from, struct error *err)
{
	*to = strdup(from);
	return *to ? 0 : error_memory(err);
}

int64_t message_time_ns(const struct Ctr__Timestamp *time)
{
	int64_t ns;

	if (!time || __builtin_mul_overflow(time->seconds, (int64_t)NS_PER_SECOND, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)time->nanos, &ns))
		return 0;
	return ns;
}

struct Ctr__Label **message_make_labels(const struct labels *labels, size_t *count, struct error *err)
{
	struct Ctr__Label **list, *items;

	*count = labels ? labels->count : 0;
	if (*count == 0)
		return NULL;
	list = malloc(*count * (sizeof(*list) + sizeof(**list)));
	if (!list) {
		error_memory(err);
		return NULL;
	}
	items = (struct Ctr__Label *)(list + *count);
	for (size_t i = 0; i < *count; i++) {
		ctr__label__init(&items[i]);
		items[i].key = labels->items[i].key;
		items[i].value = labels->items[i].value;
		list[i] = &items[i];
	}
	return list;
}

static int make_paths(const struct labels *labels, char **paths, struct error *err)
{
	for (size_t i = 0; i < labels->count; i++) {
		paths[i] = text_format("labels.%s", labels->items[i].key);
		if (!paths[i])
			return error_memory(err);
	}
	return 0;
}

int message_label_update_make(const struct labels *labels, struct message_label_update *update, struct error *err)
{
	size_t count;

	*update = (struct message_label_update){ .count = labels->count };
	update->paths = calloc(labels->count + 1, sizeof(*update->paths));
	if (!update->paths)
		return error_memory(err);
	update->entries = message_make_labels(labels, &count, err);
	if (!update->entries && count)
		return -1;
	return make_paths(labels, update->paths, err);
}

void message_label_update_release(struct message_label_update *update)
{
	for (size_t i = 0; update->paths && i < update->count; i++)
		free(update->paths[i]);
	free(update->paths);
	free(update->entries);
	*update = (struct message_label_update){ 0 };
}

int message_copy_labels(struct labels *to, struct Ctr__Label *const *from, size_t count, struct error *err)
{
	if (count > LABEL_LIMIT)
		return error_set(err, ERROR_FAILED, "there are more than %d labels", LABEL_LIMIT);
	for (size_t i = 0; i < count; i++)
		if (labels_set(to, from[i]->key, from[i]->value, err) < 0)
			return -1;
	return 0;
}

int message_copy_any(struct ctr_any *to, const struct Ctr__Any *from, struct error *err)
{
	if (!from)
		return 0;
	if (message_copy_string(&to->type_url, from->type_url, err) < 0)
		return -1;
	/* One byte more, so that text can be read as a string. */
	to->value = calloc(1, from->value.len + 1);
	if (!to->value)
		return error_memory(err);
	if (from->value.len)
		memcpy(to->value, from->value.data, from->value.len);
	to->length = from->value.len;
	return 0;
}

void message_release_any(struct ctr_any *any)
{
	free(any->type_url);
	free(any->value);
	*any = (struct ctr_any){ 0 };
}

static int copy_options(struct ctr_mount *to, const struct Ctr__Mount *from, struct error *err)
{
	to->options = calloc(from->n_options + 1, sizeof(*to->options));
	if (!to->options)
		return error_memory(err);
	for (; to->option_count < from->n_options; to->option_count++)
		if (message_copy_string(&to->options[to->option_count], from->options[to->option_count], err) < 0)
			return -1;
	return 0;
}

static int copy_mount(void *to, const void *from, struct error *err)
{
	const struct Ctr__Mount *told = from;
	struct ctr_mount *mount = to;

	if (message_copy_string(&mount->type, told->type, err) < 0 ||
	    message_copy_string(&mount->source, told->source, err) < 0 ||
	    message_copy_string(&mount->target, told->target, err) < 0)
		return -1;
	return copy_options(mount, told, err);
}

static size_t weigh_mount(const void *from)
{
	const struct Ctr__Mount *mount = from;
	size_t bytes = sizeof(struct ctr_mount) + strlen(mount->type) + strlen(mount->source) + strlen(mount->target);

	for (size_t i = 0; i < mount->n_options; i++)
		bytes += sizeof(char *) + strlen(mount->options[i]);
	return bytes;
}

static void release_mount(void *item)
{
	ctr_mount_release(item);
}

static const struct message_items mount_items = {
	.size = sizeof(struct ctr_mount),
	.weigh = weigh_mount,
	.copy = copy_mount,
	.release = release_mount,
};

int message_copy_mounts(struct ctr_mounts *to, struct Ctr__Mount *const *from, size_t count, struct error *err)
{
	cleanup_message_list struct message_list list = { .kind = &mount_items };

	for (size_t i = 0; i < count; i++)
		if (message_list_add(&list, from[i], err) < 0)
			return -1;
	to->items = message_list_steal(&list, &to->count);
	return 0;
}

size_t message_labels_size(struct Ctr__Label *const *labels, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += sizeof(struct label) + strlen(labels[i]->key) + strlen(labels[i]->value) + 2;
	return bytes;
}
