/* One live version while it is taken, or a change while it is made; for the files that do so: live.c, running.c, still.c and
 * change.c. */
#ifndef WSNAP_LIVE_TAKING_H
#define WSNAP_LIVE_TAKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "live/freezer.h"
#include "live/guard.h"
#include "live/moves.h"
#include "live/nodes.h"
#include "live/overlay.h"
#include "live/pass.h"
#include "live/request.h"
#include "live/tip.h"
#include "live/urgency.h"
#include "live/watch.h"

struct live {
	struct live_request request; /* its strings are the caller's, and may be gone after the beginning */
	char *index, *upper_path;
	struct freezer freezer;
	struct nodes tree;
	struct tip tip;
	bool has_tip;
	int upper, layer, merged; /* no layer: -1 */
	struct overlay overlay;
	int64_t frozen_ns; /* when it stood still */
};

/* What is known only while the layer is filled. */
struct taking {
	struct live *live;
	struct watch watch;
	struct pass pass;
	struct guard guard;
	struct moves moves;
	struct moves since; /* all that has moved since the change was worked out */
	struct moves held;  /* what a mapping may be open to of which nothing tells (watch.h) */
	unsigned ways;      /* in which its processes write past the page cache without waiting for it (processes.h) */
	bool lost;          /* a file that is written to could not be found */
	bool begun;         /* the change, and it is not whole: the workspace must not run */
	bool made;          /* the change */
	struct urgency urgency; /* from the freeze on until it runs again */
	double since_ms;        /* when it was to stand still */
	double thawed_ms;       /* when it ran again */
	struct live_result *result;
};

/* The passes over the writable layer while the workspace runs: afterwards little is left to be looked at. */
int taking_pass_running(struct taking *taking, struct error *err);

/* Once more, over what has moved since. */
int taking_catch_up(struct taking *taking, struct error *err);

/* Before each try to freeze it: so that in the freeze little has to be looked at only because it may have been mapped. */
int taking_look_at_held(struct taking *taking, struct error *err);

/* Adds the files that the workspace's processes have mapped or open to the moves. */
int taking_note_open_files(struct taking *taking, struct error *err);
int taking_note_stray(const struct stat *status, void *context, struct error *err);

/* The last pass, over a workspace that stands still; it runs afterwards as it did before. */
int taking_pass_still(struct taking *taking, struct error *err);

/* ERROR_FAILED "`what` within N ms". Returns -1. */
int taking_too_long(struct taking *taking, const char *what, struct error *err);

/* Whether the freeze has lasted longer than it may by then. The guard may not have thawed it yet, where it had to wait for a
 * processor itself. */
bool taking_is_late(const struct taking *taking, double now_ms);

/* change.c: what is done beside, or in place of, taking a version. */
int change_begin(struct taking *taking, struct error *err);
int change_look(struct taking *taking, struct error *err);
int change_keep_moves(struct taking *taking, const struct moves *moves, struct error *err);
int change_make(struct taking *taking, bool anything, struct error *err);

#endif
