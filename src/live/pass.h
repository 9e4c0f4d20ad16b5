/*
 * Bringing a new layer in step with the writable layer: first by a walk over all of it, then name by name as the
 * watch tells. The new layer goes on top of the tip, whose state the tree was loaded with (an empty tree: there is
 * no tip, the layer goes on what lies below the writable layer).
 *
 * The writable layer may change all the while, until `frozen`. What is not as it was a moment before is no error
 * then: the watch tells of it, or the walk in the freeze finds it.
 */
#ifndef WSNAP_LIVE_PASS_H
#define WSNAP_LIVE_PASS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "live/pass_state.h"

#define cleanup_pass __attribute__((cleanup(pass_release)))

/* `upper` and `layer` are folders open for reading, `merged` is the overlay's root (O_PATH). `layer` -1: nothing is copied,
 * only the tree is brought in step, which is empty before. */
int pass_begin(struct pass *pass, enum layer_marks marks, struct nodes *tree, struct watch *watch, int upper, int layer,
	       int merged, struct error *err);
void pass_release(struct pass *pass);

/* Looks at everything. */
int pass_walk(struct pass *pass, struct error *err);

/* Looks whether there would be anything to do at all; touches nothing. 0: nothing; -1 with *err, of whatever kind. */
int pass_look(struct pass *pass, struct error *err);

/* Looks at these names alone. */
int pass_apply(struct pass *pass, const struct moves *moves, struct error *err);

/* In the freeze, at its end: notes for the next version which of these files its ctime will not tell of. */
void pass_note_unsure(struct pass *pass, const struct moves *moves);

/* The same of every file to which writes past the page cache may be under way, whoever has closed it. */
void pass_note_landing(struct pass *pass);

#endif
