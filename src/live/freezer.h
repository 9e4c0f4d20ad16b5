/*
 * Freezing a workspace through its control group: the unified hierarchy where the processes are in it, else
 * version 1's freezer (kernel documentation, admin-guide/cgroup-v2, "cgroup.freeze"; cgroup-v1/freezer-subsystem).
 */
#ifndef WSNAP_LIVE_FREEZER_H
#define WSNAP_LIVE_FREEZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct freezer {
	char *folder; /* of the control group, absolute */
	bool unified;
	bool frozen_before; /* somebody else has frozen it, or is about to: it stays so */
	int control;        /* cgroup.freeze or freezer.state */
	int events;         /* cgroup.events, or freezer.state again */
	int sign;           /* says whether it may be frozen by us (sign.h), or -1 */
	int other; /* unified: freezer.state, where the processes are in version 1's hierarchy as well; or -1 */
};

#define FREEZER_NONE                                                 \
	(struct freezer)                                             \
	{                                                            \
		.control = -1, .events = -1, .sign = -1, .other = -1 \
	}
#define cleanup_freezer __attribute__((cleanup(freezer_release)))

/*
 * The smallest control group that all of `pids` are in or below. ERROR_REFUSED when there is none, or
 * when one of the `others` (wsnap itself, containerd, the shim) would be frozen with it.
 */
int freezer_find(struct freezer *freezer, const uint32_t *pids, size_t count, const uint32_t *others,
		 size_t other_count, struct error *err);

/* Opens the control group whose folder an earlier run has written down. */
int freezer_open(struct freezer *freezer, const char *folder, struct error *err);

/* Whether somebody else has asked for all to stand still, asked while we do not: 1, 0, -1. In the unified hierarchy whoever
 * freezes writes the same file, so that a pause that comes while we hold it cannot be told from ours. */
int freezer_is_paused(const struct freezer *freezer, struct error *err);

/* Waits until all stand still: 1, or 0 when that takes longer than `wait_ms` and all run again; -1 error. */
int freezer_freeze(const struct freezer *freezer, unsigned wait_ms, struct error *err);

/* The same for what somebody else freezes: it is left as it is. */
int freezer_wait(const struct freezer *freezer, unsigned wait_ms, struct error *err);

/* Whether all stand still at this moment: 1, 0, -1. */
int freezer_is_frozen(const struct freezer *freezer, struct error *err);

/* Whether what has stood still does so yet. A process that comes into the group only now does not stand still at once, but has
 * done nothing in it either. */
int freezer_is_held(const struct freezer *freezer, struct error *err);

/* Before each freeze: the sign says that it may be frozen by us, until it is thawed, or does not come to be frozen. */
int freezer_note(const struct freezer *freezer, bool frozen, struct error *err);

int freezer_thaw(const struct freezer *freezer, struct error *err);

/* What written to `control` thaws; for the guard, which can do little more than that. */
const char *freezer_thaw_word(const struct freezer *freezer);

void freezer_release(struct freezer *freezer);

#endif
