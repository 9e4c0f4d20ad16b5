#include "ctr/leases.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/grpc.h"
#include "ctr/leases.pb-c.h"
#include "ctr/message.h"
#include "ctr/message_list.h"

#define PACKAGE "containerd.services.leases.v1"
#define LABEL_EXPIRE "containerd.io/gc.expire"

static const struct grpc_method create = { PACKAGE, "Leases", "Create", GRPC_WRITE_MS };
static const struct grpc_method delete = { PACKAGE, "Leases", "Delete", GRPC_LONG_MS };
static const struct grpc_method add_resource = { PACKAGE, "Leases", "AddResource", GRPC_WRITE_MS };
static const struct grpc_method list = { PACKAGE, "Leases", "List", GRPC_READ_MS };

static void release_lease(void *item)
{
	struct ctr_lease *lease = item;

	free(lease->id);
	labels_release(&lease->labels);
}

void ctr_leases_release(struct ctr_leases *leases)
{
	for (size_t i = 0; i < leases->count; i++)
		release_lease(&leases->items[i]);
	free(leases->items);
	*leases = (struct ctr_leases){ 0 };
}

/* *created_ns is when that was by containerd's clock. */
static int send_create(struct ctr *ctr, const char *id, const struct labels *labels, int64_t *created_ns,
		       struct error *err)
{
	Ctr__Leases__CreateRequest request;
	cleanup_message Ctr__Leases__CreateResponse *reply = NULL;
	cleanup_free Ctr__Label **entries = NULL;

	ctr__leases__create_request__init(&request);
	entries = message_make_labels(labels, &request.n_labels, err);
	if (!entries)
		return -1;
	request.id = message_string(id);
	request.labels = entries;
	reply = grpc_ask(ctr, &create, &request.base, &ctr__leases__create_response__descriptor, err);
	if (!reply)
		return -1;
	*created_ns = reply->lease ? message_time_ns(reply->lease->created_at) : 0;
	return 0;
}

/* 1 it was created, 0 there is one of that id, -1. */
static int create_until(struct ctr *ctr, const char *id, int64_t expires_ns, const struct labels *labels,
			int64_t *created_ns, struct error *err)
{
	cleanup_labels struct labels all = { 0 };
	char expires[CLOCK_TEXT_SIZE];

	clock_format(expires_ns, expires);
	if ((labels && labels_copy(&all, labels, err) < 0) || labels_set(&all, LABEL_EXPIRE, expires, err) < 0)
		return -1;
	if (send_create(ctr, id, &all, created_ns, err) == 0)
		return 1;
	return ctr_forgive(ctr, CTR_EXISTS, err) ? 0 : -1;
}

int ctr_lease_create(struct ctr *ctr, const char *id, int64_t lifetime_ns, const struct labels *labels,
		     struct error *err)
{
	int64_t expires_ns = clock_unix_ns() + lifetime_ns, created_ns = 0;
	int created = create_until(ctr, id, expires_ns, labels, &created_ns, err);

	if (created <= 0)
		return created;
	/* Our clock is behind containerd's: the lease would end too soon, or has ended already. It holds nothing yet. */
	if (expires_ns - created_ns >= lifetime_ns / 2)
		return 0;
	if (ctr_lease_delete(ctr, id, false, err) < 0)
		return -1;
	return create_until(ctr, id, created_ns + lifetime_ns, labels, &created_ns, err) < 0 ? -1 : 0;
}

int ctr_lease_create_exclusive(struct ctr *ctr, const char *id, const struct labels *labels, struct error *err)
{
	int64_t created_ns;

	if (send_create(ctr, id, labels, &created_ns, err) == 0)
		return 1;
	return ctr_forgive(ctr, CTR_EXISTS, err) ? 0 : -1;
}

int ctr_lease_delete(struct ctr *ctr, const char *id, bool sync, struct error *err)
{
	Ctr__Leases__DeleteRequest request;

	ctr__leases__delete_request__init(&request);
	request.id = message_string(id);
	request.sync = sync;
	if (grpc_tell(ctr, &delete, &request.base, err) == 0)
		return 0;
	return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}

static int add_to_lease(struct ctr *ctr, const char *lease, const char *type, const char *id, struct error *err)
{
	Ctr__Leases__AddResourceRequest request;
	Ctr__Leases__Resource resource;

	ctr__leases__add_resource_request__init(&request);
	ctr__leases__resource__init(&resource);
	resource.id = message_string(id);
	resource.type = message_string(type);
	request.id = message_string(lease);
	request.resource = &resource;
	return grpc_tell(ctr, &add_resource, &request.base, err);
}

int ctr_lease_add_snapshot(struct ctr *ctr, const char *lease, const char *snapshotter, const char *name,
			   struct error *err)
{
	cleanup_free char *type = text_format("snapshots/%s", snapshotter);

	return type ? add_to_lease(ctr, lease, type, name, err) : error_memory(err);
}

int ctr_lease_add_content(struct ctr *ctr, const char *lease, const char *digest, struct error *err)
{
	return add_to_lease(ctr, lease, "content", digest, err);
}

static int copy_lease(void *to, const void *from, struct error *err)
{
	const Ctr__Leases__Lease *told = from;
	struct ctr_lease *lease = to;

	lease->created_ns = message_time_ns(told->created_at);
	if (message_copy_string(&lease->id, told->id, err) < 0 ||
	    message_copy_labels(&lease->labels, told->labels, told->n_labels, err) < 0)
		return error_wrap(err, "lease '%s'", told->id);
	return 0;
}

static size_t weigh_lease(const void *from)
{
	const Ctr__Leases__Lease *lease = from;

	return sizeof(struct ctr_lease) + strlen(lease->id) + message_labels_size(lease->labels, lease->n_labels);
}

static const struct message_items lease_items = {
	.size = sizeof(struct ctr_lease),
	.weigh = weigh_lease,
	.copy = copy_lease,
	.release = release_lease,
};

int ctr_lease_list(struct ctr *ctr, const char *filter, struct ctr_leases *leases, struct error *err)
{
	Ctr__Leases__ListRequest request;
	cleanup_message Ctr__Leases__ListResponse *reply = NULL;
	cleanup_message_list struct message_list found = { .kind = &lease_items };
	char *filters[] = { message_string(filter) };

	ctr__leases__list_request__init(&request);
	request.filters = filters;
	request.n_filters = filter ? 1 : 0;
	reply = grpc_ask(ctr, &list, &request.base, &ctr__leases__list_response__descriptor, err);
	if (!reply)
		return -1;
	for (size_t i = 0; i < reply->n_leases; i++)
		if (message_list_add(&found, reply->leases[i], err) < 0)
			return -1;
	leases->items = message_list_steal(&found, &leases->count);
	return 0;
}
