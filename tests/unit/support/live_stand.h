/*
 * A workspace without containerd, for tests of live versions: an overlay, a control group of its own, a process in both.
 * Failures end the test (cmocka).
 */
#ifndef WSNAP_TESTS_LIVE_STAND_H
#define WSNAP_TESTS_LIVE_STAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "live/live.h"

#define STAND_LAYERS_MAX 60

struct stand {
	char *root, *upper, *work, *merged, *shown, *index, *group;
	const char *layers[STAND_LAYERS_MAX]; /* newest first; the last one is the image's */
	size_t count;
	const char *next; /* the layer that is being filled */
	enum layer_marks marks;
	bool lost; /* nobody knows where the tip's layers are */
	pid_t pid;
	uint64_t seed, state;
	unsigned walked, compared, merges;
};

/* What a workspace does; never returns. Begins with stand_enter(). */
typedef void (*life)(struct stand *stand);

/* Puts more into the image's folder. */
typedef void (*image_filler)(const char *path);

/* A folder below `root`, an image and a writable layer with random trees, and the life in it. `fill` may be NULL. */
void stand_make(struct stand *stand, const char *root, uint64_t seed, image_filler fill, life live);
void stand_end(struct stand *stand);

/* Ends the life and all that it has forked; begins another one. */
void stand_stop(struct stand *stand);
void stand_live(struct stand *stand, life live);

/* In the life: into the control group and the overlay; dies with the test. */
void stand_enter(const struct stand *stand);

/*
 * Takes a live version on `tip` (NULL: none) as the layer `name`, which becomes the newest. In the freeze its chain is
 * compared with the workspace, byte by byte, unless `blindly`. `follows`: the tip's state must have been found.
 */
struct live_result stand_take(struct stand *stand, const char *tip, const char *name, bool follows, bool blindly);

/* All live layers as one: what is put on it shows the same. */
void stand_merge(struct stand *stand);

#endif
