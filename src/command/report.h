/* What operations say alike about the operation they ran. */
#ifndef WSNAP_COMMAND_REPORT_H
#define WSNAP_COMMAND_REPORT_H

#include "command/command.h"
#include "operation/operation.h"
#include "output/json_writer.h"

/* The keys of every operation: operation_id, downtime_ms, steps; of one with --live also its own. */
void report_course(struct json_writer *writer, const struct operation_result *result);

/* The same, and of those that save what a container has: unsaved_mounts. */
void report_operation(struct json_writer *writer, const struct operation_result *result);

/* The keys of the version it saved, without an id. */
void report_version(struct json_writer *writer, const struct operation_result *result);

/* " (downtime 212 ms)", or "" when the workspace did not run. */
#define REPORT_DOWNTIME_SIZE 48
void report_format_downtime(const struct operation_result *result, char text[static REPORT_DOWNTIME_SIZE]);

/* Prints the result of an operation, as JSON or in words. */
typedef void (*report_print)(const struct invocation *invocation, const struct operation_result *result);

/* In words, for create and version: which version was saved, or that there was no need; its number with --quiet. */
void report_saved(const struct invocation *invocation, const struct operation_result *result);

/*
 * Runs the operation and prints its result with one of the two; then, on a terminal or with --verbose, which
 * mounts are not part of a version; then ends the output. An error of the output says that the operation is done
 * all the same.
 */
int report_run(const struct invocation *invocation, const struct operation_request *request, report_print print_json,
	       report_print print_line, struct error *err);

#endif
