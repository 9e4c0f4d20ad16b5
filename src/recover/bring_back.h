/* For commands that only read: a workspace that an interrupted operation left behind is brought back first. */
#ifndef WSNAP_RECOVER_BRING_BACK_H
#define WSNAP_RECOVER_BRING_BACK_H

#include "workspace/session.h"
#include "workspace/target.h"

/* Resolves the word (as target_resolve() does), and finishes what an earlier run left on
 * the workspace if nobody else is at it; what cannot be finished is a warning. The target is as it stands behind that. */
int bring_back_and_find(struct session *session, const struct target_word *word, bool must_exist, struct target *target,
			struct error *err);

/* Only finishes, where there is no database for what was asked: no workspace stays down because of that. */
void bring_back(struct session *session, const struct target_word *word);

#endif
