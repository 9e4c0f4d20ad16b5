/* What a pass knows; for the files that make it up: pass.c, frame.c and look.c. */
#ifndef WSNAP_LIVE_PASS_STATE_H
#define WSNAP_LIVE_PASS_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "layer/layer.h"
#include "live/copy.h"
#include "live/moves.h"
#include "live/nodes.h"
#include "live/tip.h"
#include "live/watch.h"

struct pass_list {
	uint32_t *ids;
	size_t count, capacity;
};

struct pass_frame;

struct pass {
	struct nodes *tree;
	struct watch *watch;
	struct copier copier;
	int upper, layer, merged; /* roots; the caller's. No layer: -1 */
	struct tip *tip;          /* for comparisons; the caller's. NULL: there are none */
	dev_t device;
	bool maps_show; /* once a file was written back, stores through a mapping show in its ctime */
	bool frozen;
	int64_t landing_ns; /* how long a write past the page cache may be under way */
	int64_t looked_ns;  /* when the entry was looked at that is taken now, of clock_unix_ns() */
	bool dry;           /* only look: the first thing that would have to be done is an error */
	bool bare;          /* there is no new layer: the tree alone is brought in step */
	bool unfit;         /* no layer on this tip can show what there is now: a new chain can */
	uint8_t number;
	struct pass_frame *frames;
	size_t depth, capacity, parked;
	struct stat *strays; /* files that are taken as written to, wherever they are found (stray.h) */
	size_t stray_count;
	struct moves later;     /* names that can be judged only in the freeze */
	struct pass_list due;   /* folders whose metadata are to be set */
	struct pass_list again; /* other names of inodes that were taken */
};

/* How long the disk may take over a write past the page cache. */
#define PASS_LANDING_NS 60000000000

/*
 * Times come in grains of at most 10 ms (a kernel of 100 Hz), or of a second where a filesystem has no room for more (ext4 with
 * inodes of 128 bytes): a change within the same one shows no new time. How long one of that time may go on changing unseen.
 */
static inline int64_t pass_grain_ns(int64_t time_ns)
{
	return time_ns % 1000000000 == 0 ? 1020000000 : 20000000;
}

/* Such a write changes the ctime when it is begun: whether one may be under way to a file with this ctime. */
static inline bool pass_may_land(const struct pass *pass, int64_t ctime_ns)
{
	return ctime_ns > pass->looked_ns - pass->landing_ns;
}

/* Whether its ctime would tell of a store through a shared mapping since the file was taken. */
static inline bool pass_tells_stores(const struct pass *pass, uint32_t id)
{
	return pass->maps_show && nodes_node(pass->tree, id)->flags & NODE_SYNCED;
}

#endif
