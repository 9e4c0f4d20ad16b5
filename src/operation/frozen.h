/* What an operation has frozen: whoever comes after a crash thaws that, and nothing that somebody else has paused since. */
#ifndef WSNAP_OPERATION_FROZEN_H
#define WSNAP_OPERATION_FROZEN_H

#include "operation/run.h"

/* A live_note_freezer, with the run as its context. */
int frozen_note(const char *folder, void *context, struct error *err);

/* The folder of the control group that may still be frozen by us; NULL: none is. */
const char *frozen_by_us(const struct run *run);

/* Thaws it, if there is one. */
int frozen_thaw(struct run *run, struct error *err);

/* Behind the record, by whoever has the lock: without one nothing is frozen, and whoever was killed in between has left the sign. */
void frozen_forget(const struct session *session, const char *container_id);

#endif
