/* The CDI devices that a workspace is meant to have, put into its spec. */
#ifndef WSNAP_OPERATION_PLAN_DEVICES_H
#define WSNAP_OPERATION_PLAN_DEVICES_H

#include "workspace/record.h"
#include "workspace/session.h"

/*
 * Names come from the container's label memoh.workspace.cdi_devices, else from its bot's metadata. Sets
 * record->new_spec, old_spec and spec_type when the spec changes. An unknown device is ERROR_NOT_FOUND.
 */
int plan_devices(struct session *session, const struct ctr_container *container, struct record *record,
		 struct error *err);

#endif
