/* The version that a rollback or a restore brings back. */
#ifndef WSNAP_OPERATION_PLAN_TARGET_H
#define WSNAP_OPERATION_PLAN_TARGET_H

#include "workspace/record.h"
#include "workspace/session.h"
#include "workspace/version_word.h"

/* Writes it into the record. ERROR_NOT_FOUND where it is none of the workspace's, or its snapshot is gone. */
int plan_target(struct session *session, const struct version_word *version, struct record *record, struct error *err);

#endif
