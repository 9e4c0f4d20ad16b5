/*
 * Which snapshots containerd has, asked once for many names. First those that bear the label of
 * the workspace are listed; a name that is not among them (another tool's snapshot has no such label)
 * makes the whole list be fetched, once.
 */
#ifndef WSNAP_WORKSPACE_SNAPSHOT_INDEX_H
#define WSNAP_WORKSPACE_SNAPSHOT_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/beside.h"
#include "base/text.h"
#include "workspace/session.h"

/* Set session and container_id, the rest to zero. */
struct snapshot_index {
	struct session *session;
	const char *container_id;
	char *snapshotter; /* whose names these are; NULL: none yet */
	bool complete;     /* these are all the names there are */
	struct text names; /* one behind the other, each with its NUL */
	size_t *offsets;   /* of the names, sorted by name */
	size_t count, capacity;

	bool threaded; /* a thread fetches the first list; it alone uses session->ctr until it is joined */
	atomic_bool done;
	struct beside beside;
};

#define cleanup_snapshot_index __attribute__((cleanup(snapshot_index_release)))

/* Begins to fetch the names of this snapshotter while the caller does something else. Until snapshot_index_is_busy()
 * says false or snapshot_index_has() has been called, nothing else may use session->ctr. -1: no memory. */
int snapshot_index_begin(struct snapshot_index *index, const char *snapshotter, struct error *err);

/* Whether snapshot_index_has() would have to wait for what snapshot_index_begin() has begun. */
bool snapshot_index_is_busy(const struct snapshot_index *index);

/* 1 it is there, 0 it is not, -1 error. */
int snapshot_index_has(struct snapshot_index *index, const char *snapshotter, const char *name, struct error *err);
void snapshot_index_release(struct snapshot_index *index);

#endif
