/* One comparison: what it is asked for, what it reads, and what it has found. */
#ifndef WSNAP_COMPARE_COMPARISON_H
#define WSNAP_COMPARE_COMPARISON_H

#include <stdint.h>
#include <sys/types.h>

#include "compare/held.h"
#include "layer/mapped_view.h"
#include "store/versions.h"
#include "workspace/target.h"

struct compare_request {
	const struct target *target;
	const struct store_version *before; /* NULL: nothing at all */
	const struct store_version *now;    /* NULL: the present, which must be there */
	const char *const *paths; /* absolute, without a slash at the end; with any, only these and what lies below */
	size_t path_count;
};

struct compare_item {
	char *path;
	char change; /* 'A', 'M', 'D' */
	mode_t mode; /* its kind: as it is now; of 'D' as it was */
	mode_t mode_before;
	int64_t size, size_before;
	const char *now, *before; /* the folder that shows it, NULL where it is not */
};

struct compare_stack {
	struct layer_paths layers; /* or one tree, */
	enum layer_marks marks;
	int tree; /* by its descriptor; else -1 */
};

/* Set `session`, the rest to zero. */
struct comparison {
	struct session *session;
	struct compare_item *items; /* sorted by the bytes of the path */
	size_t count, capacity;

	const struct compare_request *request;
	struct held held;
	struct compare_stack now, before;
	struct mapped_view *view; /* of the writable layer, where containerd maps the ids of those below it */
};

#endif
