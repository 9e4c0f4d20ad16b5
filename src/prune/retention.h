/*
 * Which versions the rules of retention keep, as restic's `forget` reads such rules. `last` goes by the versions' numbers,
 * which no clock can turn round. The others go by time, from the newest to the oldest: each rule keeps the first
 * version of every hour, day, ISO week, month or year (in UTC) until it has kept as many as it may; a rule that
 * could keep more keeps the oldest version as well, so that the history reaches as far back as it can. `within` keeps what
 * is younger than the newest version, less that much by the calendar (a month before March 31 is March 3).
 * A version stays if any rule keeps it. Versions that lie in the future, from a clock that was wrong, stay, and the rules
 * of time do not count them.
 */
#ifndef WSNAP_PRUNE_RETENTION_H
#define WSNAP_PRUNE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/settings.h"

struct retention_version {
	int32_t version;
	int64_t created_ns; /* since 1970 */
	bool kept;          /* the answer */
};

/* Whether there is any rule at all: without one nothing would be kept. */
bool retention_has_rules(const struct keep_rules *rules);

/* Sorts the versions from newest to oldest and sets `kept` of each. `now_ns` is the present time. Returns how many lie in
 * the future: they come first. */
size_t retention_apply(const struct keep_rules *rules, int64_t now_ns, struct retention_version *versions,
		       size_t count);

#endif
