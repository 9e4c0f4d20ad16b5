/*
 * What two snapshots have in common, so that it need not be read. Their chains may meet; and where layers were merged, the
 * merged one bears the name of the version whose tree it shows (label wsnap.shows): what lies under it may then be read as
 * that version's own chain, which is one that others share.
 */
#ifndef WSNAP_COMPARE_COMMON_H
#define WSNAP_COMPARE_COMMON_H

#include <stddef.h>

#include "workspace/session.h"

/* A part of a way: the `count` topmost layers of the snapshot's chain. */
struct common_part {
	char *name;
	size_t count;
};

/* From a snapshot down to what is common. */
struct common_way {
	struct common_part *parts; /* newest first; some may have no layers */
	size_t count;
};

struct common {
	struct common_way one, other;
	char *base; /* the snapshot that both then lie on, NULL: they have nothing in common */
};

#define cleanup_common __attribute__((cleanup(common_release)))

/* Both are committed snapshots; "" is none at all. */
int common_find(struct session *session, const char *snapshotter, const char *one, const char *other,
		struct common *common, struct error *err);
void common_release(struct common *common);

#endif
