/* The OCI spec of a fork: nothing that names the container it came from stays in it. */
#ifndef WSNAP_FORK_FORK_SPEC_H
#define WSNAP_FORK_FORK_SPEC_H

#include "ctr/containers.h"
#include "workspace/session.h"

struct fork_names {
	const char *old_id;
	const char *new_id;
	bool name_as_hostname;
};

/* Rewrites the spec in place: cgroup, hostname, the files that are the container's own (copied into the state directory),
 * namespaces of the network, annotations and hooks of those who own the other. */
int fork_spec_adapt(struct session *session, const struct fork_names *names, struct ctr_any *spec, struct error *err);

/* Whether a label, annotation or extension of that name says who owns or starts the container. */
bool fork_key_is_owners(const char *key);

/* Removes the files that the spec of a fork that was taken back has been given. */
void fork_spec_remove_files(struct session *session, const char *container_id);

#endif
