/*
 * What came from what: the versions of a workspace with the version that each came from. A version that was given up
 * leaves no hole: its event says what it came from (or, where that is older than such events, the label of its snapshot,
 * as long as containerd has it).
 */
#ifndef WSNAP_WORKSPACE_LINEAGE_H
#define WSNAP_WORKSPACE_LINEAGE_H

#include <sys/types.h>

#include "store/versions.h"
#include "workspace/session.h"

struct lineage_entry {
	int32_t version;
	char *runtime_name;
	char *snapshotter; /* NULL: it was given up, … */
	char *parent_name; /* runtime name; NULL: none, or told by number */
	int32_t parent_version;
	bool parent_known; /* … and its event says from what it came */
	ssize_t ancestor;  /* memory of lineage_parent(): the nearest that is there */
};

struct lineage {
	struct session *session;
	struct lineage_entry *entries; /* by runtime name */
	size_t count, capacity;
	size_t *by_version;
};

#define cleanup_lineage __attribute__((cleanup(lineage_release)))

int lineage_read(struct session *session, const char *container_id, struct lineage *lineage, struct error *err);
void lineage_release(struct lineage *lineage);

/* The entry of that snapshot, or NULL. */
struct lineage_entry *lineage_find(const struct lineage *lineage, const char *runtime_name);

/* The nearest ancestor that is still there: 1 with *parent, 0 there is none, -1 error. */
int lineage_parent(struct lineage *lineage, const struct lineage_entry *entry, struct lineage_entry **parent,
		   struct error *err);

#endif
