/*
 * A writable layer that is put on other layers without a byte being copied: its folder is moved into the place of the
 * empty one of a snapshot, the receiver, that was prepared on those. The receiver is what becomes the version, or with
 * `compact` the new active snapshot.
 *
 * Where the folder lies is told by its identity, which the record holds with both paths, so every try, of this run or of
 * another one, begins by looking. What the workspace stood on before has no folder from then on, until move_back() or
 * move_leave_home(): in between nobody can start the workspace there, without what it had written, and write into what
 * would be thrown away.
 */
#ifndef WSNAP_OPERATION_MOVE_H
#define WSNAP_OPERATION_MOVE_H

#include "operation/run.h"

/* Makes the receiver ready on `parent` while the layer lies where it did, and writes both into the record. */
int move_begin(struct run *run, const char *parent, struct error *err);

/* Whether the record has a layer to move. */
bool move_is_planned(const struct record *record);

/* Whether it lies in the receiver. */
bool move_is_done(const struct record *record);

/* Puts the layer into the receiver; it may lie there already. */
int move_there(struct run *run, struct error *err);

/* Puts it back where it was; it may lie there already. The receiver has no folder then. ERROR_FAILED where containerd has
 * no snapshot there any more. */
int move_back(struct run *run, struct error *err);

/* The same, but where that cannot be it stays where it is. */
int move_back_if_possible(struct run *run, struct error *err);

/* Whether containerd still has the snapshot in whose folder it was: 1, 0, -1. */
int move_has_home(struct run *run, struct error *err);

/* Tries both, and leaves the receiver as it was before: with an empty folder. */
int move_try(struct run *run, struct error *err);

/*
 * Removes the snapshot that the workspace stood on: it is nobody's state any more. With it goes the way back. If it cannot
 * be removed, containerd collects it once the container points elsewhere.
 */
void move_leave_home(struct run *run);

/* The key of the receiver while it is not committed; the caller frees. */
char *move_receiver(const struct record *record, struct error *err);

/* The container stands on the moved layer, and that keeps it: the label that kept it until now is removed. */
int move_end(struct run *run, struct error *err);

/*
 * The container is not ours any more, and what is committed is still empty: removes that where the layer cannot come into
 * it any more, because it is gone, or because a container stands on it where it is.
 */
int move_drop_hollow(struct run *run, bool *dropped, struct error *err);

/* Removes a receiver that was not used. One that may be somebody's state is kept, with a warning. */
int move_tidy(struct run *run, struct error *err);

#endif
