/* One restore: what it is asked for, and what has come of it. */
#ifndef WSNAP_RESTORE_RESTORATION_H
#define WSNAP_RESTORE_RESTORATION_H

#include "compare/compare.h"
#include "operation/operation.h"

struct restore_request {
	const struct target_word *target;
	const struct version_word *version;
	const char *const *paths; /* as compare_path() makes them; none: all */
	size_t path_count;
	bool no_save;
	bool dry_run;           /* only work out what differs */
	unsigned max_freeze_ms; /* 0: OPERATION_MAX_FREEZE_MS */
	const char *folder;     /* of this host, in place of the workspace; NULL: the workspace */
};

struct restore_result {
	struct operation_result operation;
	struct target target;
	struct store_version version; /* that was restored from */
	/* What is, or would be, done: 'A' for what comes, 'D' for what goes. Its sizes are those of the version, and before
	 * that those of the present. */
	struct comparison changes;
	int32_t saved_version; /* 0: nothing was saved */
	char *folder;          /* where the files are; NULL: in the workspace */
};

#endif
