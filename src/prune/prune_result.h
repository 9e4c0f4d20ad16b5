/* What a pruning is asked for, and what it answers. */
#ifndef WSNAP_PRUNE_PRUNE_RESULT_H
#define WSNAP_PRUNE_PRUNE_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

struct prune_request {
	struct keep_rules keep;
	bool named;   /* versions with a display name may go as well */
	bool dry_run; /* decide and foresee, change nothing */

	/* The whole history goes, and nothing else of this request but dry_run counts. The container, its row and its bot
	 * may be gone. */
	bool all;

	/* with any of them, these versions go and the rules do not count */
	const struct version_word *versions;
	size_t version_count;
};

struct pruned_version {
	int32_t version;
	char *display_name; /* NULL: none */
	char *runtime_name;
	int64_t freed_bytes;
	bool held;              /* something stands on its layer: … */
	int32_t held_by;        /* … this version, or, 0, none: … */
	bool held_by_workspace; /* … then it is the workspace, or else a fork or another client's */
	bool missing;           /* containerd did not have its snapshot */
	char *left;             /* a folder that containerd could not remove with it; NULL: none */
};

struct prune_result {
	char *container_id;
	int32_t *kept; /* numbers, ascending */
	size_t kept_count;
	struct pruned_version *removed; /* ascending; with dry_run what would go */
	size_t removed_count;
	int64_t freed_bytes; /* of these and of layers that were kept for them alone */
};

void prune_result_release(struct prune_result *result);

#define cleanup_prune_result __attribute__((cleanup(prune_result_release)))

#endif
