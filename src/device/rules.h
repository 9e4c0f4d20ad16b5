/*
 * What the edits of a CDI file must fulfil beyond their shape. Called on canonical trees (device/schema.h).
 * Every function returns 0, or -1 with ERROR_FAILED.
 */
#ifndef WSNAP_DEVICE_RULES_H
#define WSNAP_DEVICE_RULES_H

#include "base/error.h"
#include "base/json.h"

/* `edits` may be NULL. */
int cdi_edits_check(const cJSON *edits, struct error *err);

/* Whether there is nothing in them, which a device may not have. */
bool cdi_edits_are_empty(const cJSON *edits);

/* The name of a hook in the OCI runtime specification. */
bool cdi_hook_is_known(const char *name);

#endif
