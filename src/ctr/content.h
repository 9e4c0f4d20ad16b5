/* containerd.services.content.v1: blobs by their digest, as far as wsnap keeps small documents there. */
#ifndef WSNAP_CTR_CONTENT_H
#define WSNAP_CTR_CONTENT_H

#include <stddef.h>

#include "ctr/ctr.h"

/* The largest document that is written or read, in bytes: one message holds it. */
#define CTR_CONTENT_LIMIT ((size_t)8 << 20)

/*
 * Writes the bytes as one blob and gives its digest, which the caller frees. What is there already is stored no second
 * time. The lease of the client keeps it until somebody else does. `ref` names the write while it goes on; one that was
 * broken off under the same name is begun anew.
 */
int ctr_content_store(struct ctr *ctr, const char *ref, const char *bytes, size_t length, char **digest,
		      struct error *err);

/* Reads one whole; the caller frees it. A NUL follows that is not counted. ERROR_NOT_FOUND. */
int ctr_content_read(struct ctr *ctr, const char *digest, char **bytes, size_t *length, struct error *err);

#endif
