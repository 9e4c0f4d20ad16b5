/* Device nodes of the host, for what a CDI file leaves out about them. */
#ifndef WSNAP_DEVICE_HOST_H
#define WSNAP_DEVICE_HOST_H

#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

struct host_device {
	char type[2]; /* "b", "c", "u" or "p" */
	int64_t major, minor;
	int64_t mode; /* permission bits, -1: not known */
};

/*
 * Type, numbers and mode of a canonical `deviceNodes` entry, completed from the node at its hostPath
 * (or path; links are followed, as names under /dev/…/by-path are). A host device that is missing or of
 * another type is ERROR_FAILED, unless the file says type and major by itself.
 */
int host_device_complete(const cJSON *node, struct host_device *device, struct error *err);

#endif
