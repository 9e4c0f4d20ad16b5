#include "operation/steps.h"

const struct step steps[] = {
	{ "journal", PHASE_BEFORE, step_journal },   /* the record is on the disk */
	{ "lease", PHASE_BEFORE, step_lease },       /* garbage collection keeps away */
	{ "merge", PHASE_BEFORE, step_merge },       /* a chain near its limit: older layers are one */
	{ "hold", PHASE_BEFORE, step_hold },         /* the restart monitor will not start it under us */
	{ "announce", PHASE_BEFORE, step_announce }, /* the record says that we stop it */
	{ "detach", PHASE_DOWN, step_detach },       /* CNI DEL is on its way */
	{ "stop", PHASE_DOWN, step_stop },           /* no process of the workspace runs */
	{ "commit", PHASE_DOWN, step_commit },       /* its state is a committed snapshot */
	{ "top", PHASE_DOWN, step_top },             /* after a merge: the newest layer on the merged one */
	{ "prepare", PHASE_DOWN, step_prepare },     /* the new active snapshot exists */
	{ "repoint", PHASE_DOWN, step_repoint },     /* the container stands on it */
	{ "start", PHASE_DOWN, step_start },         /* it runs, if it ran */
	{ "unhold", PHASE_UP, step_unhold },         /* the restart monitor is as before */
	{ "sync", PHASE_UP, step_sync },             /* the snapshot is on the disk */
	{ "record", PHASE_UP, step_record },         /* version and event are in the database */
	{ "label", PHASE_UP, step_label },           /* the snapshot says its version's number */
	{ "release", PHASE_UP, step_release },       /* lease and record are gone */
};

const size_t step_count = sizeof(steps) / sizeof(*steps);
