/* A change of a workspace's files in the making, for the files that make it up. */
#ifndef WSNAP_OPERATION_RESTORING_STATE_H
#define WSNAP_OPERATION_RESTORING_STATE_H

#include "live/live.h"
#include "operation/run.h"
#include "replace/replace.h"
#include "replace/worklist.h"

struct restoring {
	struct run *run;
	char *worklist_name;
	struct worklist worklist;
	struct replace replace;
	char *layer; /* the folder that the state before is copied into; NULL: it is not saved */
	int root, tree;
	int upper;     /* the writable layer of one that does not run, while its files are changed; -1 */
	int held;      /* room on the disk until the change begins (room.h); -1 */
	int runtime;   /* what counts how long it has run (live/runtime.h); -1 */
	uint32_t pid;  /* of the workspace's first process; 0: nothing runs on it */
	bool in_guard; /* this is its guard, which cannot ask containerd */
	bool started;  /* somebody has started a task while it was made (restoring_start.h): the list stays as it is */
	double looked_ms; /* when that was looked for last */
	struct live_change change;
};

#endif
