/* Makes room before a save would fail for want of it. */
#ifndef WSNAP_POLICY_ROOM_KEEPING_H
#define WSNAP_POLICY_ROOM_KEEPING_H

#include "policy/policy.h"
#include "workspace/session.h"

/*
 * Where less than policy->keep_free percent of the filesystem under the workspace is free, gives up versions of it
 * until there is: by the policy's own rules, then by these rules with the coarsest of them taken off one after the other.
 * The newest version and named ones stay. Adds to *count and *freed_bytes what went. Not enough is no error here.
 */
int room_keeping_thin(struct session *session, const struct policy *policy, const char *container_id, int *count,
		      int64_t *freed_bytes, struct error *err);

#endif
