/* The edits of a CDI file, put into a container's spec. */
#ifndef WSNAP_DEVICE_APPLY_H
#define WSNAP_DEVICE_APPLY_H

#include "base/error.h"
#include "base/json.h"
#include "device/ledger.h"

/* `edits` is canonical (device/schema.h), or NULL for none. ERROR_FAILED when a device of the host is missing
 * or the spec has something else where the edits go. */
int cdi_edits_apply(const cJSON *edits, struct ledger *ledger, struct error *err);

#endif
