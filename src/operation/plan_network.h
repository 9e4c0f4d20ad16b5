/* Whether a workspace's network is ours to attach, and with what. */
#ifndef WSNAP_OPERATION_PLAN_NETWORK_H
#define WSNAP_OPERATION_PLAN_NETWORK_H

#include "network/network.h"
#include "task/spec.h"
#include "workspace/record.h"
#include "workspace/session.h"

/*
 * Decides it for a workspace whose spec was read, and sets record->attachment. Not ours: --network none, the
 * host's network, a namespace by path, nerdctl's hooks, no CNI configuration at all; with --network auto also a
 * workspace that nobody has ever attached and that is no workspace server's own. With `earlier`, an
 * attachment that an unfinished operation knows, that one is used. *network is NULL when it is not ours. A
 * configuration that is there but broken is ERROR_USAGE.
 */
int plan_network(struct session *session, const struct ctr_container *container, const struct spec *spec,
		 const char *earlier, struct record *record, struct network **network, struct error *err);

/* Loads the configuration for an operation that was begun with a network. NULL when there is none any more. */
int plan_network_load(struct session *session, struct network **network, struct error *err);

#endif
