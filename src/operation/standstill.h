/* Whether a workspace's processes stand still, whoever has frozen them. */
#ifndef WSNAP_OPERATION_STANDSTILL_H
#define WSNAP_OPERATION_STANDSTILL_H

#include <stdint.h>

#include "operation/run.h"

/* Of the workspace with that first process: 1, 0; -1 ERROR_REFUSED where they could not be frozen. */
int standstill_of(const struct run *run, uint32_t pid, struct error *err);

#endif
