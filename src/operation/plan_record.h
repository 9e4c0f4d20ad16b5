/* What the record of every operation says, however it will go about it. */
#ifndef WSNAP_OPERATION_PLAN_RECORD_H
#define WSNAP_OPERATION_PLAN_RECORD_H

#include "operation/findings.h"

/*
 * Fills the record with who asks for what and why, what the container is and stands on, the names of the snapshots that
 * will be (none that is taken), and the number that the next version is above. Asks containerd and the database, and
 * changes nothing.
 */
int plan_record(const struct plan *plan, const struct findings *findings, struct record *record, struct error *err);

#endif
