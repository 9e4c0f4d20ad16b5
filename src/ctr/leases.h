/* containerd.services.leases.v1: what keeps containerd's garbage collector away. */
#ifndef WSNAP_CTR_LEASES_H
#define WSNAP_CTR_LEASES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/labels.h"
#include "ctr/ctr.h"

struct ctr_lease {
	char *id;
	int64_t created_ns; /* since 1970 */
	struct labels labels;
};

struct ctr_leases {
	struct ctr_lease *items;
	size_t count;
};

void ctr_leases_release(struct ctr_leases *leases);

#define cleanup_ctr_leases __attribute__((cleanup(ctr_leases_release)))

/* One that exists already is no error (it keeps its expiry). When it ends is written as the label containerd.io/gc.expire:
 * `lifetime_ns` from now, by containerd's clock where ours is behind that. `labels` may be NULL. */
int ctr_lease_create(struct ctr *ctr, const char *id, int64_t lifetime_ns, const struct labels *labels,
		     struct error *err);

/* One that never expires, for whoever creates it first: 1 it was created, 0 there is one of that id, -1 error. */
int ctr_lease_create_exclusive(struct ctr *ctr, const char *id, const struct labels *labels, struct error *err);

/* One that is not there is no error. With `sync`, containerd collects garbage before it answers. */
int ctr_lease_delete(struct ctr *ctr, const char *id, bool sync, struct error *err);

/* Adds a snapshot to a lease (type "snapshots/<snapshotter>"). */
int ctr_lease_add_snapshot(struct ctr *ctr, const char *lease, const char *snapshotter, const char *name,
			   struct error *err);

/* Adds a blob to a lease. One that is not there is no error. */
int ctr_lease_add_content(struct ctr *ctr, const char *lease, const char *digest, struct error *err);

int ctr_lease_list(struct ctr *ctr, const char *filter, struct ctr_leases *leases, struct error *err);

#endif
