/* Runs the table of steps, and does what verdict.c says where one fails. */
#ifndef WSNAP_OPERATION_EXECUTE_H
#define WSNAP_OPERATION_EXECUTE_H

#include "operation/run.h"
#include "operation/steps.h"

/*
 * Runs the steps from where `entry` stands to the end. 0: done and durable.
 * ERROR_INCOMPLETE: something is saved, or the workspace is not back yet; the record stays for recovery. Any
 * other error: the workspace is as it was before.
 */
int execute(struct run *run, enum step_entry entry, struct error *err);

/* Turns an operation around and runs what leads back to the state before. `why` is kept in the record. */
int execute_back(struct run *run, const char *why, struct error *err);

#endif
