/*
 * What makes a container, as a document that containerd keeps with a version: image, labels, runtime with its options,
 * extensions and OCI spec. With it a version can become a container although the container is gone.
 *
 * The document is a blob in containerd's content store that the version's snapshot refers to by the label
 * LABEL_BLUEPRINT: it goes with the last version that needs it, and while nothing changes it is stored once.
 */
#ifndef WSNAP_WORKSPACE_BLUEPRINT_H
#define WSNAP_WORKSPACE_BLUEPRINT_H

#include "ctr/containers.h"
#include "workspace/session.h"

/* The document of a container; the caller frees it. */
char *blueprint_print(const struct ctr_container *container, struct error *err);

/* Reads it back, whatever its source: what lacks a part that a container needs is ERROR_FAILED. */
int blueprint_parse(const char *json, size_t length, struct ctr_container *container, struct error *err);

struct blueprint_request {
	const char *operation_id; /* whose lease keeps it until the version does */
	const struct ctr_container *container;
	const char *snapshotter;
	const char *version_before; /* that may have the same; NULL: none */
};

/* Sees to it that containerd has the container's document, and gives its digest, which the caller frees. Under the
 * operation's lease, which the client uses. */
int blueprint_keep(struct session *session, const struct blueprint_request *request, char **digest, struct error *err);

/* The document of the version with that snapshot: 1 with *json (the caller frees), 0 it was saved without one, or the
 * snapshot is gone; -1. */
int blueprint_read(struct session *session, const char *snapshotter, const char *name, char **json, size_t *length,
		   struct error *err);

#endif
