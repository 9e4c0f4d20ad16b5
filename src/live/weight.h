/* How long a pass over some moves would take: what decides whether a workspace is to stand still for it. */
#ifndef WSNAP_LIVE_WEIGHT_H
#define WSNAP_LIVE_WEIGHT_H

#include "live/moves.h"
#include "live/pass_state.h"

/* An estimate in ms; of more than `enough_ms` only that it is more. Reads no file. */
double weight_of(struct pass *pass, const struct moves *moves, double enough_ms);

#endif
