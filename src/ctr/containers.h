/* containerd.services.containers.v1: what containerd knows of each container. wsnap creates those of forks, and deletes none
 * but one that it created and could not finish. */
#ifndef WSNAP_CTR_CONTAINERS_H
#define WSNAP_CTR_CONTAINERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/labels.h"
#include "ctr/any.h"
#include "ctr/ctr.h"

/* What clients of containerd keep with a container: only they know its types. */
struct ctr_extension {
	char *name;
	struct ctr_any value;
};

struct ctr_container {
	char *id;
	char *image;                    /* reference, maybe "" */
	char *runtime;                  /* io.containerd.runc.v2 */
	struct ctr_any runtime_options; /* passed on to Tasks.Create as they are */
	struct ctr_any spec;            /* value: the OCI runtime spec as JSON */
	char *snapshotter;
	char *snapshot_key;
	struct labels labels;
	int64_t created_ns; /* since 1970; 0 where containerd does not say */
	struct ctr_extension *extensions;
	size_t extension_count;
};

void ctr_container_release(struct ctr_container *container);

#define cleanup_ctr_container __attribute__((cleanup(ctr_container_release)))

struct ctr_containers {
	struct ctr_container *items;
	size_t count;
};

void ctr_containers_release(struct ctr_containers *containers);

#define cleanup_ctr_containers __attribute__((cleanup(ctr_containers_release)))

/* The container of that id: 1, 0 there is none, -1 error. */
int ctr_container_find(struct ctr *ctr, const char *id, struct ctr_container *container, struct error *err);

/* The same for whoever needs it: ERROR_NOT_FOUND when there is none. */
int ctr_container_get(struct ctr *ctr, const char *id, struct ctr_container *container, struct error *err);

/* Containers that match the filter (containerd's filter syntax, e.g. labels."a.b"==c), or all with NULL. Without their
 * specs and extensions: those of many containers would take more memory than a list is worth. */
int ctr_container_list(struct ctr *ctr, const char *filter, struct ctr_containers *containers, struct error *err);

/* Another container on the snapshot of this one, NULL for none; the caller frees. All are looked at, and none is kept. */
int ctr_container_find_sharing(struct ctr *ctr, const struct ctr_container *container, char **id, struct error *err);

/* Makes the container. 1: it was made; 0: there is one of that id; -1. Atomic in containerd. */
int ctr_container_create(struct ctr *ctr, const struct ctr_container *container, struct error *err);

/* Deletes what containerd knows of it, and nothing else. One that is not there is no error. */
int ctr_container_delete(struct ctr *ctr, const char *id, struct error *err);

/* Points the container at another snapshot; with spec_json also replaces the value of the spec
 * (its type URL must be given as it was). One Containers.Update with the field mask
 * `snapshotkey` (and `spec`): atomic in containerd. */
int ctr_container_repoint(struct ctr *ctr, const char *id, const char *snapshot_key, const char *spec_type_url,
			  const char *spec_json, struct error *err);

/* Sets labels in one update, which containerd makes whole or not at all; an empty value takes its label off. */
int ctr_container_set_labels(struct ctr *ctr, const char *id, const struct labels *labels, struct error *err);

/* The same for one label. */
int ctr_container_set_label(struct ctr *ctr, const char *id, const char *key, const char *value, struct error *err);

#endif
