/*
 * Items of a spec that an older CDI file described. The file of a new driver names other files, whose names differ in
 * version numbers alone; and what a server put into the spec by the older file is not noted as ours.
 */
#ifndef WSNAP_DEVICE_OUTDATED_H
#define WSNAP_DEVICE_OUTDATED_H

#include "base/json.h"
#include "device/spec_list.h"

/* Whether the item may be one: a mount only if its source is not there any more, a hook always. */
bool outdated_is_possible(const struct spec_list *list, const cJSON *item);

/* Whether the two are the same but for numbers, with dots between, in their texts. */
bool outdated_looks_like(const cJSON *item, const cJSON *described);

#endif
