/*
 * CNI DEL beside the end of the task: a thread runs the plugins while the main thread waits
 * for the processes. The network namespace is held open, so that it outlives them.
 */
#ifndef WSNAP_OPERATION_DETACHMENT_H
#define WSNAP_OPERATION_DETACHMENT_H

#include <stdint.h>

#include "network/network.h"

struct detachment;

/* Begins; `pid` is the task's first process, 0 when it is gone. `network` and `attachment` (as
 * network_attachment_print wrote it) must stay until the end. */
int detachment_begin(const struct network *network, const char *attachment, uint32_t pid,
		     struct detachment **detachment, struct error *err);

/* Waits for it and frees it; NULL is fine. -1: DEL failed. */
int detachment_end(struct detachment *detachment, struct error *err);

#endif
