/* What `wsnap log` tells: versions with what they came from, who made them, and how much they changed. */
#ifndef WSNAP_COMMAND_LOG_HISTORY_H
#define WSNAP_COMMAND_LOG_HISTORY_H

#include "command/diff_print.h"
#include "workspace/history.h"
#include "workspace/target.h"

struct log_version {
	struct store_version row;
	bool current, present;
	int32_t parent;    /* the nearest ancestor that is still there, 0: none of ours */
	int32_t joined_to; /* the same among those that are shown */
	struct origin origin;
	bool left_out; /* the path did not change in it */
	bool compared; /* `sum` is known */
	struct diff_sum sum;
};

struct log_history {
	struct session *session;
	struct log_version *versions; /* oldest first */
	size_t count, capacity;
};

#define cleanup_log_history __attribute__((cleanup(log_history_release)))

int log_history_read(struct log_history *history, const struct target *target, struct error *err);

/* Compares each version with what it came from: in all (`path` NULL), or only there, and then leaves out those in which
 * nothing changed. One whose snapshots are not here is not compared; it is left out where a path is asked for. */
int log_history_compare(struct log_history *history, const struct target *target, const char *path, struct error *err);

void log_history_release(struct log_history *history);

#endif
