/* Whether a record is about the containerd that is spoken to. */
#ifndef WSNAP_OPERATION_SAME_SERVER_H
#define WSNAP_OPERATION_SAME_SERVER_H

#include "workspace/record.h"
#include "workspace/session.h"

/* ERROR_FAILED: it was begun in another containerd (a wrong address, a disk that is not mounted yet), so this one's silence
 * about it says nothing. */
int same_server_check(struct session *session, const struct record *record, struct error *err);

#endif
