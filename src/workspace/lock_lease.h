/*
 * A workspace's lock where the workspace is: a lease in containerd whose id follows from the container's, so that only
 * one client can create it, whatever its host and its state directory. It has no expiry and holds no resources.
 *
 * The lease of a run that has ended stays as it is while another takes over: that one creates a lease which says after
 * whom, and which again only one can create. The last one of that chain holds the lock; to let go is to delete the first.
 * A run that leaves an operation open does not let go: what it needs is left alone by whoever has another state directory, as
 * what a killed run has left is.
 * Internal to lock*.c, recover and doctor.
 */
#ifndef WSNAP_WORKSPACE_LOCK_LEASE_H
#define WSNAP_WORKSPACE_LOCK_LEASE_H

#include "base/names_set.h"
#include "ctr/leases.h"
#include "workspace/holder.h"

/* What the ids of operations' leases begin with; those of locks do not. */
#define OPERATION_LEASE "wsnap-"

struct lock_lease {
	struct session *session;
	const char *container_id;
	struct labels own;           /* who we are: holder_describe_self() */
	bool only_look;              /* take nothing */
	bool break_it;               /* the operator's word for one that cannot be judged */
	struct labels held_by;       /* who has it, where it was not to be had … */
	struct holder holder;        /* … and what can be said of that run; of one that was broken as well */
	bool broken;                 /* it was another's, and was taken by the operator's word */
	char *first;                 /* the lease to be deleted; NULL: nothing is held … */
	char *first_run;             /* … of this run, where the lock was taken over; else NULL */
	struct names_set superseded; /* and those to be tidied up behind it */
};

/* 1 it is held now (or free, where it is only looked at), 0 another run has it, -1 error. */
int lock_lease_try(struct lock_lease *lease, struct error *err);

/* Lets go. -1: it could not be deleted; the next run of this state directory takes it over. */
int lock_lease_delete(struct lock_lease *lease, struct error *err);

/* Stays behind for the next run of this state directory. However often that is done, two leases are left at most. */
int lock_lease_leave(struct lock_lease *lease, struct error *err);

/* Frees what the value holds; nothing is done in containerd. */
void lock_lease_release(struct lock_lease *lease);

/* All leases that are locks, of one container, or with NULL of all. */
int lock_lease_list(struct session *session, const char *container_id, struct ctr_leases *leases, struct error *err);

/* Of these the one that holds the container's lock; NULL: it is free. */
const struct ctr_lease *lock_lease_holder(const struct ctr_leases *leases, const char *container_id);

#endif
