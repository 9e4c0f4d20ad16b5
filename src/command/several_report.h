/* What several runs of one command said, put together. */
#ifndef WSNAP_COMMAND_SEVERAL_REPORT_H
#define WSNAP_COMMAND_SEVERAL_REPORT_H

#include "output/output.h"

struct several_work {
	const char *id; /* of the container */
	char *said;     /* what it printed; NULL: nothing */
	size_t length;  /* of that */
	bool begun;
	bool changed;         /* it has changed something, as struct output tells */
	struct error failure; /* kind ERROR_NONE: it did not fail */
};

/* How many that failed are named. */
#define SEVERAL_NAMED_MOST 10

/* 0 where nothing has failed; else -1, with the kind of the first failure. `names` are those of the first that failed, in
 * quotes with commas between; `count` is how many were tried. */
int several_tell_failures(const struct failures *failures, const char *names, size_t count, struct error *err);

/*
 * Writes all of them in the order given: a table with a row for each line, with -q "ID LINE", with --json one document
 * {"workspaces": [...]} of their documents, each with its container_id, and with `error` where it failed. -1 with
 * the kind of the first failure in *err, which names those that failed.
 */
int several_report(struct output *out, const struct several_work *works, size_t count, struct error *err);

#endif
