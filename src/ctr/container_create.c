/* Making and deleting containers. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "ctr/containers.h"
#include "ctr/containers.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/message.h"

#define PACKAGE "containerd.services.containers.v1"

static const struct grpc_method create = { PACKAGE, "Containers", "Create", GRPC_WRITE_MS };
static const struct grpc_method delete = { PACKAGE, "Containers", "Delete", GRPC_WRITE_MS };

/* A request refers to the values of the container: packing only reads them. */
static void refer_any(Ctr__Any *to, const struct ctr_any *from)
{
	ctr__any__init(to);
	to->type_url = message_string(from->type_url ? from->type_url : "");
	to->value.data = from->value;
	to->value.len = from->length;
}

struct extension_entry {
	Ctr__Containers__Extension entry;
	Ctr__Any value;
};

/* The caller frees both lists. */
static int refer_extensions(Ctr__Containers__Container *to, const struct ctr_container *from,
			    struct extension_entry **entries, struct error *err)
{
	*entries = calloc(from->extension_count + 1, sizeof(**entries));
	to->extensions = calloc(from->extension_count + 1, sizeof(*to->extensions));
	if (!*entries || !to->extensions)
		return error_memory(err);
	to->n_extensions = from->extension_count;
	for (size_t i = 0; i < from->extension_count; i++) {
		struct extension_entry *at = &(*entries)[i];

		ctr__containers__extension__init(&at->entry);
		refer_any(&at->value, &from->extensions[i].value);
		at->entry.key = from->extensions[i].name;
		at->entry.value = &at->value;
		to->extensions[i] = &at->entry;
	}
	return 0;
}

static void refer_texts(Ctr__Containers__Container *to, const struct ctr_container *from)
{
	to->id = message_string(from->id);
	to->image = message_string(from->image ? from->image : "");
	to->snapshotter = message_string(from->snapshotter);
	to->snapshot_key = message_string(from->snapshot_key);
}

static int send_create(struct ctr *ctr, Ctr__Containers__Container *container, struct error *err)
{
	Ctr__Containers__CreateRequest request;

	ctr__containers__create_request__init(&request);
	request.container = container;
	if (grpc_tell(ctr, &create, &request.base, err) == 0)
		return 1;
	return ctr_forgive(ctr, CTR_EXISTS, err) ? 0 : -1;
}

int ctr_container_create(struct ctr *ctr, const struct ctr_container *from, struct error *err)
{
	Ctr__Containers__Container container;
	Ctr__Containers__Container__Runtime runtime;
	Ctr__Any spec, options;
	cleanup_free Ctr__Label **labels = NULL;
	cleanup_free struct extension_entry *entries = NULL;
	int made;

	ctr__containers__container__init(&container);
	ctr__containers__container__runtime__init(&runtime);
	refer_texts(&container, from);
	labels = message_make_labels(&from->labels, &container.n_labels, err);
	if (!labels && container.n_labels)
		return -1;
	container.labels = labels;
	refer_any(&spec, &from->spec);
	refer_any(&options, &from->runtime_options);
	runtime.name = message_string(from->runtime);
	runtime.options = from->runtime_options.type_url ? &options : NULL;
	container.runtime = &runtime;
	container.spec = &spec;
	made = refer_extensions(&container, from, &entries, err);
	if (made == 0)
		made = send_create(ctr, &container, err);
	free(container.extensions);
	return made;
}

int ctr_container_delete(struct ctr *ctr, const char *id, struct error *err)
{
	Ctr__Containers__DeleteRequest request;

	ctr__containers__delete_request__init(&request);
	request.id = message_string(id);
	if (grpc_tell(ctr, &delete, &request.base, err) == 0)
		return 0;
	return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}
