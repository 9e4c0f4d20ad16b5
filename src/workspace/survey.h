/*
 * One look at all containers and snapshots of a namespace, for runs over all of its workspaces: what each of them asks
 * for is then found here, in place of a list of everything for every workspace. What it says may be old by the time: who
 * acts on a snapshot asks containerd for that one again.
 */
#ifndef WSNAP_WORKSPACE_SURVEY_H
#define WSNAP_WORKSPACE_SURVEY_H

#include "base/names_set.h"
#include "ctr/snapshots.h"
#include "workspace/session.h"

struct survey_snapshot {
	const char *snapshotter;
	const char *owner; /* whose its label says it is, "" for nobody's */
	struct ctr_snapshot info;
};

struct survey {
	int64_t began_ns; /* of clock_unix_ns() */
	struct names_set containers;
	struct names_set snapshotters;     /* of the containers, and containerd's default, as far as they are loaded */
	struct survey_snapshot *snapshots; /* by owner and name */
	size_t count;
	const struct survey_snapshot **by_parent;
	bool only_look; /* the caller's: the run changes nothing, so what was seen of a version need not be asked again */
};

/* Looks. session->survey is the caller's to set, and to take back before the survey is released. */
int survey_take(struct session *session, struct survey *survey, struct error *err);
void survey_release(struct survey *survey);

#define cleanup_survey __attribute__((cleanup(survey_release)))

/* The snapshots that a label says are the container's: the first, and how many follow each other. */
const struct survey_snapshot *survey_of(const struct survey *survey, const char *container_id, size_t *count);

/* The snapshots of all owners that stand on that one: the first of *count pointers. */
const struct survey_snapshot *const *survey_children(const struct survey *survey, const char *snapshotter,
						     const char *name, size_t *count);

#endif
