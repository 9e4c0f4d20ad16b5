/*
 * Makes containers with versions for fleet.sh, straight in containerd, as wsnap would have left them: `fleet FIRST LAST
 * VERSIONS`. Container n is called fleet-n, its versions' snapshots fleet-n-v1 …; the rows are the script's. No file is
 * written and no task started: what is measured goes by numbers of things.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "ctr/containers.pb-c.h"
#include "ctr/grpc.h"
#include "ctr/leases.h"
#include "ctr/message.h"
#include "ctr/snapshots.h"

#define SNAPSHOTTER "overlayfs"
#define LEASE "fleet"
#define LEASE_NS ((int64_t)3600 * 1000000000)

/* Its request has the container as its first field, as that of Update does. */
static const struct grpc_method create = { "containerd.services.containers.v1", "Containers", "Create", GRPC_WRITE_MS };

static int set(struct labels *labels, const char *key, const char *value, struct error *err)
{
	return labels_set(labels, key, value, err);
}

static int label(struct labels *labels, const char *kind, const char *id, int version, struct error *err)
{
	char number[16], now[CLOCK_TEXT_SIZE], operation[ID_SIZE];

	snprintf(number, sizeof(number), "%d", version);
	clock_format(clock_unix_ns(), now);
	id_random(operation);
	if (set(labels, "wsnap.kind", kind, err) < 0 || set(labels, "wsnap.container", id, err) < 0 ||
	    set(labels, "wsnap.operation", operation, err) < 0 || set(labels, "wsnap.created", now, err) < 0)
		return -1;
	if (strcmp(kind, "active") == 0)
		return set(labels, "wsnap.last_version", number, err);
	return set(labels, "containerd.io/gc.root", now, err) < 0 || set(labels, "wsnap.source", "pre_exec", err) < 0
		       ? -1
		       : set(labels, "wsnap.version", number, err);
}

static int make_version(struct ctr *ctr, const char *id, int version, char **parent, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };
	cleanup_free char *key = text_format("%s-key", id);
	char *name = text_format("%s-v%d", id, version);

	if (!key || !name)
		return error_memory(err);
	if (label(&labels, "version", id, version, err) < 0 ||
	    ctr_snapshot_prepare(ctr, SNAPSHOTTER, key, *parent, NULL, NULL, err) < 0 ||
	    ctr_snapshot_commit(ctr, SNAPSHOTTER, name, key, &labels, err) < 0)
		return -1;
	free(*parent);
	*parent = name;
	return 0;
}

static int make_container(struct ctr *ctr, const char *id, const char *active, struct error *err)
{
	static uint8_t spec_json[] = "{\"ociVersion\":\"1.0.2\"}";
	Ctr__Containers__UpdateRequest request;
	Ctr__Containers__Container container;
	Ctr__Containers__Container__Runtime runtime;
	Ctr__Any spec;

	ctr__containers__update_request__init(&request);
	ctr__containers__container__init(&container);
	ctr__containers__container__runtime__init(&runtime);
	ctr__any__init(&spec);
	spec.type_url = message_string("types.containerd.io/opencontainers/runtime-spec/1/Spec");
	spec.value.data = spec_json;
	spec.value.len = sizeof(spec_json) - 1;
	runtime.name = message_string("io.containerd.runc.v2");
	container.id = message_string(id);
	container.image = message_string("fleet");
	container.runtime = &runtime;
	container.spec = &spec;
	container.snapshotter = message_string(SNAPSHOTTER);
	container.snapshot_key = message_string(active);
	request.container = &container;
	return grpc_tell(ctr, &create, &request.base, err);
}

static int make_one(struct ctr *ctr, int number, int versions, struct error *err)
{
	cleanup_free char *id = text_format("fleet-%d", number);
	cleanup_free char *active = text_format("fleet-%d-active", number);
	cleanup_free char *parent = strdup("");
	cleanup_labels struct labels labels = { 0 };

	for (int version = 1; version <= versions; version++)
		if (make_version(ctr, id, version, &parent, err) < 0)
			return -1;
	if (label(&labels, "active", id, versions, err) < 0 || set(&labels, "wsnap.stands_on", parent, err) < 0 ||
	    ctr_snapshot_prepare(ctr, SNAPSHOTTER, active, parent, &labels, NULL, err) < 0)
		return -1;
	return make_container(ctr, id, active, err);
}

static int make_all(int first, int last, int versions, struct error *err)
{
	cleanup_ctr struct ctr *ctr = NULL;

	if (ctr_open(getenv("CONTAINERD_ADDRESS"), getenv("CONTAINERD_NAMESPACE"), &ctr, err) < 0 ||
	    ctr_lease_create(ctr, LEASE, LEASE_NS, NULL, err) < 0 || ctr_use_lease(ctr, LEASE, err) < 0)
		return -1;
	for (int number = first; number <= last; number++)
		if (make_one(ctr, number, versions, err) < 0)
			return -1;
	return ctr_use_lease(ctr, NULL, err) < 0 ? -1 : ctr_lease_delete(ctr, LEASE, true, err);
}

int main(int argc, char **argv)
{
	struct error err = { 0 };

	if (argc == 4 && make_all(atoi(argv[1]), atoi(argv[2]), atoi(argv[3]), &err) == 0)
		return 0;
	fprintf(stderr, "fleet FIRST LAST VERSIONS: %s\n", err.message);
	return 1;
}
