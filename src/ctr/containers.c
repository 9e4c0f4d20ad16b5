#include "ctr/containers.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/containers.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/message.h"
#include "ctr/message_list.h"

#define PACKAGE "containerd.services.containers.v1"

static const struct grpc_method get = { PACKAGE, "Containers", "Get", GRPC_READ_MS };
static const struct grpc_method list_stream = { PACKAGE, "Containers", "ListStream", GRPC_WRITE_MS };
static const struct grpc_method update = { PACKAGE, "Containers", "Update", GRPC_WRITE_MS };

void ctr_container_release(struct ctr_container *container)
{
	free(container->id);
	free(container->image);
	free(container->runtime);
	message_release_any(&container->runtime_options);
	message_release_any(&container->spec);
	free(container->snapshotter);
	free(container->snapshot_key);
	labels_release(&container->labels);
	for (size_t i = 0; i < container->extension_count; i++) {
		free(container->extensions[i].name);
		message_release_any(&container->extensions[i].value);
	}
	free(container->extensions);
	*container = (struct ctr_container){ 0 };
}

void ctr_containers_release(struct ctr_containers *containers)
{
	for (size_t i = 0; i < containers->count; i++)
		ctr_container_release(&containers->items[i]);
	free(containers->items);
	*containers = (struct ctr_containers){ 0 };
}

static int copy_runtime(struct ctr_container *to, const Ctr__Containers__Container__Runtime *from, struct error *err)
{
	if (message_copy_string(&to->runtime, from ? from->name : "", err) < 0)
		return -1;
	return from ? message_copy_any(&to->runtime_options, from->options, err) : 0;
}

static int copy_extensions(struct ctr_container *to, const Ctr__Containers__Container *from, struct error *err)
{
	if (from->n_extensions == 0)
		return 0;
	to->extensions = calloc(from->n_extensions, sizeof(*to->extensions));
	if (!to->extensions)
		return error_memory(err);
	to->extension_count = from->n_extensions;
	for (size_t i = 0; i < from->n_extensions; i++)
		if (message_copy_string(&to->extensions[i].name, from->extensions[i]->key, err) < 0 ||
		    message_copy_any(&to->extensions[i].value, from->extensions[i]->value, err) < 0)
			return -1;
	return 0;
}

static int copy_spec(struct ctr_container *to, const Ctr__Containers__Container *from, struct error *err)
{
	return message_copy_any(&to->spec, from->spec, err) < 0 ? -1 : copy_extensions(to, from, err);
}

/* All but the spec and the extensions. */
static int copy_container(void *to, const void *told, struct error *err)
{
	const Ctr__Containers__Container *from = told;
	cleanup_ctr_container struct ctr_container copy = { .created_ns = message_time_ns(from->created_at) };

	if (message_copy_string(&copy.id, from->id, err) < 0 ||
	    message_copy_string(&copy.image, from->image, err) < 0 ||
	    message_copy_string(&copy.snapshotter, from->snapshotter, err) < 0 ||
	    message_copy_string(&copy.snapshot_key, from->snapshot_key, err) < 0 ||
	    copy_runtime(&copy, from->runtime, err) < 0 ||
	    message_copy_labels(&copy.labels, from->labels, from->n_labels, err) < 0)
		return error_wrap(err, "container '%s'", from->id);
	*(struct ctr_container *)to = copy;
	copy = (struct ctr_container){ 0 };
	return 0;
}

int ctr_container_get(struct ctr *ctr, const char *id, struct ctr_container *container, struct error *err)
{
	Ctr__Containers__GetRequest request;
	cleanup_message Ctr__Containers__GetResponse *reply = NULL;

	ctr__containers__get_request__init(&request);
	request.id = message_string(id);
	reply = grpc_ask(ctr, &get, &request.base, &ctr__containers__get_response__descriptor, err);
	if (!reply)
		return -1;
	if (!reply->container)
		return error_set(err, ERROR_CONTAINERD, "containerd answered for container '%s' with none", id);
	if (copy_container(container, reply->container, err) == 0 && copy_spec(container, reply->container, err) == 0)
		return 0;
	ctr_container_release(container);
	return -1;
}

int ctr_container_find(struct ctr *ctr, const char *id, struct ctr_container *container, struct error *err)
{
	if (ctr_container_get(ctr, id, container, err) == 0)
		return 1;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

static size_t weigh_container(const void *from)
{
	const Ctr__Containers__Container *container = from;
	const Ctr__Containers__Container__Runtime *runtime = container->runtime;

	return sizeof(struct ctr_container) + strlen(container->id) + strlen(container->image) +
	       strlen(container->snapshotter) + strlen(container->snapshot_key) +
	       message_labels_size(container->labels, container->n_labels) +
	       (runtime ? strlen(runtime->name) + (runtime->options ? runtime->options->value.len : 0) : 0);
}

static void release_container(void *item)
{
	ctr_container_release(item);
}

static const struct message_items container_items = {
	.size = sizeof(struct ctr_container),
	.weigh = weigh_container,
	.copy = copy_container,
	.release = release_container,
};

static int add_container(void *list, const void *message, struct error *err)
{
	const Ctr__Containers__ListItem *item = message;

	return item->container ? message_list_add(list, item->container, err) : 0;
}

/* As a stream: one answer of 16 MiB would hold a thousand containers. */
static int list_containers(struct ctr *ctr, const char *filter, grpc_handler each, void *context, struct error *err)
{
	Ctr__Containers__ListRequest request;
	char *filters[] = { message_string(filter) };

	ctr__containers__list_request__init(&request);
	request.filters = filters;
	request.n_filters = filter ? 1 : 0;
	return grpc_stream(ctr, &list_stream, &request.base, &ctr__containers__list_item__descriptor, each, context,
			   err);
}

int ctr_container_list(struct ctr *ctr, const char *filter, struct ctr_containers *containers, struct error *err)
{
	cleanup_message_list struct message_list list = { .kind = &container_items };

	if (list_containers(ctr, filter, add_container, &list, err) < 0)
		return -1;
	containers->items = message_list_steal(&list, &containers->count);
	return 0;
}

/* Changes the fields that `paths` names and leaves all others, known to us or not. */
static int update_fields(struct ctr *ctr, Ctr__Containers__Container *container, char **paths, size_t path_count,
			 struct error *err)
{
	Ctr__Containers__UpdateRequest request;
	Ctr__FieldMask mask = CTR__FIELD_MASK__INIT;

	ctr__containers__update_request__init(&request);
	mask.paths = paths;
	mask.n_paths = path_count;
	request.container = container;
	request.update_mask = &mask;
	return grpc_tell(ctr, &update, &request.base, err);
}

int ctr_container_repoint(struct ctr *ctr, const char *id, const char *snapshot_key, const char *spec_type_url,
			  const char *spec_json, struct error *err)
{
	Ctr__Containers__Container container;
	char snapshot_path[] = "snapshotkey", spec_path[] = "spec";
	char *paths[] = { snapshot_path, spec_path };
	Ctr__Any spec;

	ctr__containers__container__init(&container);
	ctr__any__init(&spec);
	container.id = message_string(id);
	container.snapshot_key = message_string(snapshot_key);
	if (spec_json) {
		spec.type_url = message_string(spec_type_url);
		spec.value.data = (uint8_t *)message_string(spec_json);
		spec.value.len = strlen(spec_json);
		container.spec = &spec;
	}
	return update_fields(ctr, &container, paths, spec_json ? 2 : 1, err);
}

int ctr_container_set_labels(struct ctr *ctr, const char *id, const struct labels *labels, struct error *err)
{
	Ctr__Containers__Container container;
	cleanup_label_update struct message_label_update changed = { 0 };

	if (message_label_update_make(labels, &changed, err) < 0)
		return -1;
	ctr__containers__container__init(&container);
	container.id = message_string(id);
	container.labels = changed.entries;
	container.n_labels = changed.count;
	return update_fields(ctr, &container, changed.paths, changed.count, err);
}

int ctr_container_set_label(struct ctr *ctr, const char *id, const char *key, const char *value, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };

	if (labels_set(&labels, key, value, err) < 0)
		return -1;
	return ctr_container_set_labels(ctr, id, &labels, err);
}

struct sharing {
	const struct ctr_container *mine;
	char *id;
};

static int compare_snapshot(void *context, const void *message, struct error *err)
{
	const Ctr__Containers__ListItem *item = message;
	struct sharing *sharing = context;
	const struct ctr_container *mine = sharing->mine;

	if (sharing->id || !item->container || strcmp(item->container->id, mine->id) == 0 ||
	    strcmp(item->container->snapshot_key, mine->snapshot_key) != 0 ||
	    strcmp(item->container->snapshotter, mine->snapshotter) != 0)
		return 0;
	return message_copy_string(&sharing->id, item->container->id, err);
}

int ctr_container_find_sharing(struct ctr *ctr, const struct ctr_container *container, char **id, struct error *err)
{
	struct sharing sharing = { .mine = container };

	if (list_containers(ctr, NULL, compare_snapshot, &sharing, err) < 0) {
		free(sharing.id);
		return -1;
	}
	*id = sharing.id;
	return 0;
}
