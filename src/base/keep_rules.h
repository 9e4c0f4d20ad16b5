/*
 * The rules of retention, each word once: their options, keys of configuration files and fields are made from these rows.
 * How they are read stands in prune/retention.h. `within`, a length of time, stands beside them.
 */
#ifndef WSNAP_BASE_KEEP_RULES_H
#define WSNAP_BASE_KEEP_RULES_H

#include "base/options.h"

/* X(rule, help): --keep-rule N, keep_rule = N. From the finest to the coarsest. */
#define KEEP_RULES(X)                                                                  \
	X(last, "keep the N versions with the greatest numbers")                       \
	X(hourly, "keep the newest version of each of the last N hours that have one") \
	X(daily, "the same by days")                                                   \
	X(weekly, "the same by ISO weeks")                                             \
	X(monthly, "the same by months")                                               \
	X(yearly, "the same by years")

#define KEEP_WITHIN_HELP "keep what is less than that older than the newest version: 36h, 14d, 3m, 1y2m"

/* How many versions to keep, as restic's `forget` reads it; 0: the rule is not given. */
struct keep_rules {
#define KEEP_FIELD(rule, help) int rule;
	KEEP_RULES(KEEP_FIELD)
#undef KEEP_FIELD
	struct duration within; /* all 0: not given */
};

/* One row of an option table for a configuration file, for the field `keep` of `struct values`. */
#define KEEP_KEY(values, rule)                                                                             \
	{                                                                                                  \
		.type = OPTION_NUMBER, .key = "keep_" #rule, .offset = offsetof(struct values, keep.rule), \
		.maximum = INT_MAX                                                                         \
	}

#endif
