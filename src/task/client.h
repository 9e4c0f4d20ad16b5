/* Clients of containerd on this host that wait for a container's end. */
#ifndef WSNAP_TASK_CLIENT_H
#define WSNAP_TASK_CLIENT_H

#include <stdint.h>

/*
 * The process of an attached `ctr run --rm` of the container, which removes it as soon as it has ended (cmd/ctr,
 * commands/run): nothing in containerd tells of that, only the command line does. 0: there is none that could be seen.
 */
uint32_t client_that_removes(const char *namespace, const char *container_id);

#endif
