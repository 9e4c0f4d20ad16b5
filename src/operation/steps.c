#include "operation/steps.h"

/* clang-format off */
const struct step steps[STEP_COUNT] = {
	/* the record is on the disk */
	[STEP_JOURNAL] = { "journal", step_journal, PHASE_BEFORE, FAILURE_FORGETS,
			   SKIP_RESUMED, ENTRY_BEGINNING },
	/* garbage collection keeps away */
	[STEP_LEASE] = { "lease", step_lease, PHASE_BEFORE, FAILURE_PLAIN,
			 0, ENTRY_FORWARD },
	/* the operator's programs have nothing against it */
	[STEP_PRE_HOOK] = { "pre_hook", step_pre_hook, PHASE_BEFORE, FAILURE_PLAIN,
			    SKIP_RESUMED, 0 },
	/* what makes the container is kept */
	[STEP_BLUEPRINT] = { "blueprint", step_blueprint, PHASE_BEFORE, FAILURE_PLAIN,
			     SKIP_RESUMED | SKIP_NO_VERSION | SKIP_BACK, 0 },
	/* live: a new layer holds what the workspace's was at one moment */
	[STEP_COPY] = { "copy", step_copy, PHASE_BEFORE, FAILURE_PLAIN,
			SKIP_STOPPED, 0 },
	/* live: it is a committed snapshot */
	[STEP_KEEP] = { "keep", step_keep, PHASE_BEFORE, FAILURE_PLAIN,
			SKIP_STOPPED | SKIP_UNSAVED, 0 },
	/* a chain near its limit: older layers are one */
	[STEP_MERGE] = { "merge", step_merge, PHASE_BEFORE, FAILURE_PLAIN,
			 SKIP_UNMERGED | SKIP_LIVE, 0 },
	/* the restart monitor will not start it under us */
	[STEP_HOLD] = { "hold", step_hold, PHASE_BEFORE, FAILURE_PLAIN,
			SKIP_UNMONITORED | SKIP_BACK | SKIP_LIVE, 0 },
	/* the record says that we stop it */
	[STEP_ANNOUNCE] = { "announce", step_announce, PHASE_BEFORE, FAILURE_PLAIN,
			    SKIP_TOUCHED | SKIP_LIVE, 0 },
	/* CNI DEL is on its way */
	[STEP_DETACH] = { "detach", step_detach, PHASE_DOWN, FAILURE_PLAIN,
			  SKIP_REPOINTED | SKIP_LIVE, 0 },
	/* no process of the workspace runs */
	[STEP_STOP] = { "stop", step_stop, PHASE_DOWN, FAILURE_PLAIN,
			SKIP_REPOINTED | SKIP_LIVE, 0 },
	/* its state is a committed snapshot, on what was merged */
	[STEP_COMMIT] = { "commit", step_commit, PHASE_DOWN, FAILURE_PLAIN,
			  SKIP_REPOINTED | SKIP_UNSAVED | SKIP_LIVE, 0 },
	/* the new active snapshot exists */
	[STEP_PREPARE] = { "prepare", step_prepare, PHASE_DOWN, FAILURE_PLAIN,
			   SKIP_LIVE, ENTRY_BACK },
	/* the container stands on it */
	[STEP_REPOINT] = { "repoint", step_repoint, PHASE_DOWN, FAILURE_PLAIN,
			   SKIP_LIVE, 0 },
	/* it runs, if it ran */
	[STEP_START] = { "start", step_start, PHASE_DOWN, FAILURE_PENDS,
			 SKIP_LIVE, 0 },
	/* the restart monitor is as before */
	[STEP_UNHOLD] = { "unhold", step_unhold, PHASE_UP, FAILURE_UNHELD,
			  0, ENTRY_TIDY },
	/* the snapshot is on the disk */
	[STEP_SYNC] = { "sync", step_sync, PHASE_UP, FAILURE_PLAIN,
			0, ENTRY_BOOKKEEPING },
	/* version and event are in the database */
	[STEP_RECORD] = { "record", step_record, PHASE_UP, FAILURE_PLAIN,
			  SKIP_NOTHING_TOLD | SKIP_REFUSED, ENTRY_TELL },
	/* the snapshot says its version's number */
	[STEP_LABEL] = { "label", step_label, PHASE_UP, FAILURE_PLAIN,
			 SKIP_NO_VERSION, 0 },
	/* restore: the active snapshot says what it stands on now */
	[STEP_STAND] = { "stand", step_stand, PHASE_UP, FAILURE_PLAIN,
			 SKIP_UNRESTORED, 0 },
	/* the operator's programs know of it */
	[STEP_POST_HOOK] = { "post_hook", step_post_hook, PHASE_UP, FAILURE_PLAIN,
			     SKIP_UNHOOKED, ENTRY_LET_GO },
	/* lease and record are gone */
	[STEP_RELEASE] = { "release", step_release, PHASE_UP, FAILURE_PLAIN,
			   0, 0 },
};
/* clang-format on */

enum step_id step_first(enum step_entry entry)
{
	enum step_id id = STEP_JOURNAL;

	while (id < STEP_RELEASE && !(steps[id].entries & entry))
		id++;
	return id;
}

/* The reasons for skipping steps that hold in this run. */
static unsigned reasons(const struct run *run)
{
	const struct record *record = run->record;
	bool saves = record_saves(record);

	return (run->resumed ? SKIP_RESUMED : 0u) | (record->stage != STAGE_PLANNED ? SKIP_TOUCHED : 0u) |
	       (record->turned_back ? SKIP_BACK : 0u) | (run->found == FOUND_REPOINTED ? SKIP_REPOINTED : 0u) |
	       (!record->restart_status ? SKIP_UNMONITORED : 0u) | (!saves ? SKIP_UNSAVED : 0u) |
	       (!record->merged ? SKIP_UNMERGED : 0u) | (record->turned_back && !saves ? SKIP_NOTHING_TOLD : 0u) |
	       (!record_makes_version(record) ? SKIP_NO_VERSION : 0u) | (record->refusal ? SKIP_REFUSED : 0u) |
	       (record->kind != OPERATION_RESTORE || record->turned_back ? SKIP_UNRESTORED : 0u) |
	       (!record->hooked ? SKIP_UNHOOKED : 0u) | (record->live ? SKIP_LIVE : SKIP_STOPPED);
}

bool step_is_skipped(const struct step *step, const struct run *run)
{
	return (step->skip & reasons(run)) != 0;
}
