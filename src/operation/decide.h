/*
 * What is decided about an operation once everything is known: pure functions from what was found (containerd's words,
 * the request, the settings) to the record. plan.c asks and warns; nothing here looks at the world.
 */
#ifndef WSNAP_OPERATION_DECIDE_H
#define WSNAP_OPERATION_DECIDE_H

#include "ctr/snapshots.h"
#include "ctr/tasks.h"
#include "operation/result.h"
#include "workspace/record.h"

/* Kind, source, display name and whether the present is saved, from the request. */
int decide_words(const struct operation_request *request, struct record *record, struct error *err);

/* The names of the snapshots that will be, from record->created_ns. Those that it has are freed. */
int decide_names(struct record *record, struct error *err);

/* Every name that the operation may give, for the look whether one is taken: NULL ends them. The texts are the record's,
 * or in *own, which the caller frees. */
#define DECIDE_NAMES_MOST 8
struct decided_names {
	const char *names[DECIDE_NAMES_MOST];
	char *merged, *top;
};
int decide_all_names(const struct record *record, struct decided_names *names, struct error *err);
void decided_names_release(struct decided_names *names);

/* What the workspace stands on: its lineage, which the label of its active snapshot says, else the snapshot below it;
 * NULL for nothing. Belongs to `active`. What the parent is, is another question. */
const char *decide_stands_on(const struct ctr_snapshot *active);

/*
 * State, first process and streams of the task that comes back. Those of `pending`, an operation whose start failed and
 * which this one takes over (or NULL), where there is no task now.
 */
int decide_task(const struct ctr_task *task, const struct record *pending, struct record *record, struct error *err);

#endif
