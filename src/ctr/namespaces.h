/* containerd.services.namespaces.v1: which namespaces a containerd has. */
#ifndef WSNAP_CTR_NAMESPACES_H
#define WSNAP_CTR_NAMESPACES_H

#include "base/names_set.h"
#include "ctr/ctr.h"

/* Adds the names of all of them. */
int ctr_namespace_list(struct ctr *ctr, struct names_set *names, struct error *err);

#endif
