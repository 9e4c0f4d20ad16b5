/* Containers that live in a workspace's network namespace, which a new task does not have any more. */
#ifndef WSNAP_OPERATION_SHARERS_H
#define WSNAP_OPERATION_SHARERS_H

#include "workspace/record.h"
#include "workspace/session.h"

/* Warns of each: those that run in the namespace, and those that a workspace server's label puts there. What cannot be
 * found out stops nothing. */
void sharers_warn(struct session *session, const struct record *record);

#endif
