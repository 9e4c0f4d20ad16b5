/* What a workspace is in when something could not be ended, for whoever reads the message. */
#ifndef WSNAP_OPERATION_STATE_WORDS_H
#define WSNAP_OPERATION_STATE_WORDS_H

#include "operation/run.h"

/* "is down", "stands still", "runs". Static; NULL: it cannot be told. */
const char *state_words(const struct run *run);

/* Says of an error, in front, what the workspace is in, and that its files are half changed; it is ERROR_INCOMPLETE from then
 * on, with a hint. Returns -1. */
int state_words_half_changed(const struct run *run, struct error *err);

#endif
