/* What a live version is asked for, and what it cost. */
#ifndef WSNAP_LIVE_REQUEST_H
#define WSNAP_LIVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/layer.h"

#define LIVE_MOST_KEPT 8

/*
 * A change that is made in the freeze: after its version is taken, so that this holds all that was there before. Until make()
 * begins any failure leaves the workspace as it is; from then on it stays frozen until the change is made, by
 * make() or, when this process is gone, by finish() in the guard.
 */
struct live_change {
	/* While it runs, and is watched: works out what is to be done. */
	int (*look)(void *context, struct error *err);
	/* In the freeze, for each path below the root ("" the root itself) that may have moved since look() began. `whole`: all that
	 * is in it may have. */
	int (*moved)(const char *path, bool whole, void *context, struct error *err);
	/* In the freeze: the last that takes its time, and may fail. */
	int (*ready)(void *context, struct error *err);
	/* From now on whoever comes makes it. It has its time as well: where that is over, or this process is gone, before it
	 * is begun, give_up() takes the seal off again, here and in the guard. -1: it could not. */
	int (*seal)(void *context, struct error *err);
	int (*give_up)(void *context);
	int (*make)(void *context, struct error *err);
	/* In another process, which has the descriptors that are kept, and memory as it was before look(). */
	int (*finish)(void *context);
	/* Behind the thaw, in whichever process has made it. */
	int (*settle)(void *context);
	int kept[LIVE_MOST_KEPT]; /* -1: none */
	void *context;
};

/* Says whether that control group may be frozen by us (sign.h), for whoever comes after a crash. A descriptor, or -1. */
typedef int (*live_note_freezer)(const char *folder, void *context, struct error *err);

struct live_request {
	uint32_t pid;           /* of the workspace's first process */
	const uint32_t *others; /* processes that must not be frozen: wsnap itself, containerd, the shim */
	size_t other_count;
	enum layer_marks marks; /* of the overlay */
	const char *upper;      /* the writable layer; NULL: there is none that can be watched, for a change alone */
	const char *index;      /* the file in which the tip's state is kept */
	const char *tip;        /* the newest live version's name: the new layer goes on it; NULL: on what lies below */
	unsigned max_freeze_ms; /* how long the workspace may stand still, until a change begins */
	bool always_walk;       /* walk all of it in the freeze as well */
	unsigned landing_ms;    /* how long writes past the page cache may be under way; 0: as usual; for tests */
	bool maps_unheard;      /* as on a kernel where nothing tells of the end of a mapping (watch.h); for tests */
	const struct live_change *change; /* NULL: none */

	/* Where the layers of live versions lie, from the tip's down to what lies below the writable layer, newest first; a
	 * failure where they do not stand on that. Called at most once, and never in the freeze, when something has to be
	 * compared with what the tip shows. NULL: it cannot be, and is copied. */
	int (*find_tip)(struct layer_paths *layers, void *context, struct error *err);
	/* Called before the first freeze with the control group's folder: it is to be remembered, so that whoever comes
	 * after a crash can thaw it, if the sign does not say that somebody has. NULL: nobody will. */
	live_note_freezer note_freezer;
	/* For tests: called in the freeze, when the layer is filled. NULL: nothing. */
	int (*inspect)(void *context, struct error *err);
	void *context;
};

struct live_result {
	double frozen_ms; /* 0 where somebody else had paused it */
	unsigned passes, tries;
	uint64_t copied_bytes, copied_entries;
	bool walked_frozen; /* the freeze had to look at everything */
};

#endif
