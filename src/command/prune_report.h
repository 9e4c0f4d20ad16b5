/* What prune and delete say of the versions that went. */
#ifndef WSNAP_COMMAND_PRUNE_REPORT_H
#define WSNAP_COMMAND_PRUNE_REPORT_H

#include "output/json_writer.h"
#include "output/output.h"
#include "prune/prune.h"

struct prune_report {
	struct output *out;
	struct json_writer writer;
	bool dry_run;
};

void prune_report_begin(struct prune_report *report);

/* One workspace. `failure` is what went wrong with it, or NULL. */
void prune_report_add(struct prune_report *report, const struct prune_result *result, const struct error *failure);

void prune_report_end(struct prune_report *report);

#endif
