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
#include "support/filesystems.h"

#define STAND_LAYERS_MAX 30

struct stand {
	struct filesystem filesystem; /* of its own, with all there is */
	char *upper, *work, *merged, *shown, *index, *group;
	const char *layers[STAND_LAYERS_MAX + 1]; /* newest first; the last one is the image's */
	size_t count;
	char *tip;        /* the newest version; NULL: none */
	const char *next; /* the layer that is being filled */
	enum layer_marks marks;
	bool lost;         /* nobody knows where the tip's layers are */
	bool maps_unheard; /* see live/request.h */
	unsigned landing_ms;
	pid_t pid;
	uint64_t seed, state;
	unsigned taken, walked, compared, merges;
};

/* What a workspace does; never returns. Begins with stand_enter(). */
typedef void (*life)(struct stand *stand);

/* Puts more into the image's folder. */
typedef void (*image_filler)(const char *path);

/*
 * On a new filesystem of this type in the scratch folder: an image and a writable layer with random trees, and the life in
 * it. `fill` may be NULL. Where nothing can be mounted the test is skipped.
 */
void stand_make(struct stand *stand, const char *type, uint64_t seed, image_filler fill, life live);
void stand_end(struct stand *stand);

/* Ends the life and all that it has forked; begins another one. */
void stand_stop(struct stand *stand);
void stand_live(struct stand *stand, life live);

/* In the life: into the control group and the overlay; dies with the test. */
void stand_enter(const struct stand *stand);

/* A file of 64 KiB in the root, mapped, so that it can be stored to. */
unsigned *stand_map_file(void);

/* A life: it stores once through a shared mapping, and holds that. */
void stand_be_quiet(struct stand *stand);

/* A life: links in the root, flickers0 to flickers7, that are there and not there, so fast that ext4 gives the next one the
 * inode number and the times of the one before. */
void stand_be_flickering(struct stand *stand);

/* While a version is taken: the process of this program that was begun last, and is still there. */
pid_t stand_find_guard(const struct stand *stand);

/* A change that does nothing, and is asked with the context. What a test is about it puts in place of a part. */
struct live_change stand_change(void *context);

/* What every request to the stand says. */
struct live_request stand_request(const struct stand *stand);

/*
 * Takes a live version on the tip, and makes it the tip: v0, v1, … In the freeze its chain is compared with the workspace,
 * byte by byte, unless it is taken blindly. A tip must have been found if it is not `lost`. A chain that becomes long is
 * merged, as the program does it.
 */
struct live_result stand_take(struct stand *stand);
struct live_result stand_take_blindly(struct stand *stand);

/* A workspace of its own, and so many versions of it. */
void stand_take_versions(const char *type, life live, unsigned versions);

/* All live layers as one: what is put on it shows the same. */
void stand_merge(struct stand *stand);

#endif
