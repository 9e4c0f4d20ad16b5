/* Whether an entry is what the tip shows in its place, looked at with all that it holds. */
#ifndef WSNAP_LIVE_SAME_H
#define WSNAP_LIVE_SAME_H

#include "live/pass_state.h"

struct pass_frame;

/*
 * The entry is a regular file that the tip has as well, with the same metadata, since its inode and its times are those of
 * the tip's. Its pages are written back first: what is stored through a mapping from then on shows in its times. False where
 * it cannot be told.
 */
bool same_content_as_tip(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status);

/* An entry that is only shown (NODE_SHOWN), of any kind, with all its metadata and names; of a folder without what is in it.
 * Nothing is written back. */
bool same_as_tip(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status);

#endif
