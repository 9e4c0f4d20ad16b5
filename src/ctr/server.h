/* containerd.services.version.v1 and introspection.v1: what a containerd says of itself. */
#ifndef WSNAP_CTR_SERVER_H
#define WSNAP_CTR_SERVER_H

#include "ctr/ctr.h"

/* Asks for the version (services.version.v1): whether a containerd is there at all. The
 * result has the form "1.6.20"; the caller frees it. NULL: error. */
char *ctr_version(struct ctr *ctr, struct error *err);

/* The UUID of this containerd's root (services.introspection.v1, Server); the caller frees it. NULL: error. */
char *ctr_server_id(struct ctr *ctr, struct error *err);

#endif
