/* How well the workspaces are kept: the age of their newest versions, how many, how large and how deep. Only looks. */
#ifndef WSNAP_STATUS_STATUS_H
#define WSNAP_STATUS_STATUS_H

#include <stdbool.h>

#include "base/names_set.h"
#include "workspace/last_result.h"
#include "workspace/session.h"

struct workspace_status {
	const char *container_id;
	const struct error *failure; /* why the rest is not known; NULL: it is */
	const char *bot_id;          /* NULL where it cannot be looked at */
	int newest_version;          /* 0: it has none */
	int64_t saved_ns;            /* when that was made, or nothing was found to have changed since; 0: never */
	int versions;
	bool has_bytes;
	int64_t bytes;           /* of all layers that are kept for it */
	int depth;               /* layers of ours that it stands on; -1: not known */
	int open_operations;     /* operations and prunings that were cut off */
	struct last_result last; /* `what` NULL: nothing is known */
};

/* Measuring takes a call for each layer. */
enum status_sizes { STATUS_SIZES, STATUS_NO_SIZES };

/* Calls `each` for each of the containers, in the order of ids; one that cannot be looked at stops no other. One that
 * containerd does not have is a failure of ERROR_NOT_FOUND unless the database knows it. */
typedef int (*status_each)(const struct workspace_status *status, void *context, struct error *err);
int status_of(struct session *session, const struct names_set *ids, enum status_sizes sizes, status_each each,
	      void *context, struct error *err);

#endif
