/* What wsnap needs to know of a container's OCI runtime spec (opencontainers/runtime-spec, config.md). */
#ifndef WSNAP_TASK_SPEC_H
#define WSNAP_TASK_SPEC_H

#include <stdbool.h>
#include <stddef.h>

#include "ctr/containers.h"

struct spec {
	bool own_pids;          /* a PID namespace that is made for it */
	bool own_network;       /* a network namespace that is made for it, without a path */
	bool network_in_hooks;  /* nerdctl's OCI hooks attach it */
	char **writable_mounts; /* destinations of writable bind mounts, without the runtime's own files */
	size_t writable_mount_count;
};

/* What the spec in `json` names and is not there, without which no task starts: the source of a bind mount, or a namespace
 * by path. 1 with the path and a word on what it is for (the caller frees); 0: all is there. */
int spec_find_missing(const char *json, size_t length, char **path, char **use, struct error *err);

/* Reads the container's. ERROR_FAILED if the spec is no OCI runtime spec. */
int spec_read(const struct ctr_container *container, struct spec *spec, struct error *err);
void spec_release(struct spec *spec);

#define cleanup_spec __attribute__((cleanup(spec_release)))

#endif
