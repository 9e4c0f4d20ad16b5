/* What a live version is asked for, and what it cost. */
#ifndef WSNAP_LIVE_REQUEST_H
#define WSNAP_LIVE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "layer/layer.h"

struct live_request {
	uint32_t pid;           /* of the workspace's first process */
	const uint32_t *others; /* processes that must not be frozen: wsnap itself, containerd, the shim */
	size_t other_count;
	enum layer_marks marks; /* of the overlay */
	const char *upper;      /* the writable layer */
	const char *index;      /* the file in which the tip's state is kept */
	const char *tip;        /* the newest live version's name: the new layer goes on it; NULL: on what lies below */
	unsigned max_freeze_ms; /* how long the workspace may stand still */
	bool always_walk;       /* walk all of it in the freeze as well */

	/* Where the tip's layers lie, newest first. Called at most once, and never in the freeze, when files have to be
	 * compared with the tip's. NULL: they cannot be; then such files are copied. */
	int (*find_tip)(struct layer_paths *layers, void *context, struct error *err);
	/* Called before the first freeze with the control group's folder: it is to be remembered, so that whoever comes
	 * after a crash can thaw it. NULL folder: it is not to be thawed any more. */
	int (*note_freezer)(const char *folder, void *context, struct error *err);
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
