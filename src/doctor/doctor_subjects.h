/* Which workspaces there are to be examined, by whatever remembers them. */
#ifndef WSNAP_DOCTOR_DOCTOR_SUBJECTS_H
#define WSNAP_DOCTOR_DOCTOR_SUBJECTS_H

#include "base/names_set.h"
#include "workspace/session.h"
#include "workspace/target.h"

/* Adds the container ids of all of this host: of rows, of the labels of snapshots, of records that were left. */
int doctor_find_workspaces(struct session *session, struct names_set *ids, struct error *err);

/* Adds the one that the word means, also where its container, its rows or both are gone. ERROR_NOT_FOUND: nothing is left
 * of it; ERROR_USAGE: a bot of several. */
int doctor_find_target(struct session *session, const struct target_word *word, struct names_set *ids,
		       struct error *err);

#endif
