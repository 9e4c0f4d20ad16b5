/* Finding a version for who does not hold the workspace's lock. */
#ifndef WSNAP_OPERATION_SETTLED_VERSION_H
#define WSNAP_OPERATION_SETTLED_VERSION_H

#include "workspace/history.h"
#include "workspace/target.h"

/* history_find() in the workspace that the word was resolved to. Between the commit and the record of an operation it stands
 * on a version that the database does not know yet: where `@` and its like find nothing then, the operation's end is waited
 * for, at most as long as --wait says (ERROR_BUSY), and the target resolved again. */
int settled_version_find(struct session *session, const struct target_word *word, const struct version_word *version,
			 struct target *target, struct store_version *row, struct error *err);

#endif
