/*
 * Which snapshots containerd has, asked once for many names. First those that bear the label of
 * the workspace are listed; a name that is not among them (another tool's snapshot has no such label)
 * makes the whole list be fetched, once.
 */
#ifndef WSNAP_WORKSPACE_PRESENCE_H
#define WSNAP_WORKSPACE_PRESENCE_H

#include <stdbool.h>

#include "base/text.h"
#include "workspace/session.h"

/* Set session and container_id, the rest to zero. */
struct presence {
	struct session *session;
	const char *container_id;
	char *snapshotter; /* whose names these are; NULL: none yet */
	bool complete;     /* these are all the names there are */
	struct text names; /* one behind the other, each with its NUL */
	size_t *offsets;   /* of the names, sorted by name */
	size_t count, capacity;
};

#define cleanup_presence __attribute__((cleanup(presence_release)))

/* 1 it is there, 0 it is not, -1 error. */
int presence_has(struct presence *presence, const char *snapshotter, const char *name, struct error *err);
void presence_release(struct presence *presence);

#endif
