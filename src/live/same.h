/* Whether a file is what the tip shows in its place, looked at byte by byte. */
#ifndef WSNAP_LIVE_SAME_H
#define WSNAP_LIVE_SAME_H

#include "live/pass_state.h"

struct pass_frame;

/*
 * The entry is a regular file that the tip has as well. Its pages are written back first: what is stored through a
 * mapping from then on shows in its times. False where it cannot be told.
 */
bool tip_has_same(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status);

void tip_release(struct pass_tip *tip);

#endif
