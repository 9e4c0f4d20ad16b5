/* What `status` writes: a table, JSON, the text format of Prometheus, or the verdict of a check. */
#ifndef WSNAP_COMMAND_STATUS_OUTPUT_H
#define WSNAP_COMMAND_STATUS_OUTPUT_H

#include "output/sheet.h"
#include "status/status.h"

/* The option that makes it a check: from then on every status is that of a check. */
#define STATUS_MAX_AGE "max-age"

/* The statuses of a check (Monitoring Plugins Development Guidelines, "Plugin Return Codes"). */
enum check_status { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN };

struct status_output {
	struct output *out;
	const char *file; /* NULL: standard output */
	const char *namespace;
	bool prometheus;
	bool is_check;
	int64_t now_ns;
	int64_t critical_ns, warning_ns; /* the newest version must not be older; 0: not asked for */

	FILE *stream; /* where it is gathered, or standard output */
	char *gathered;
	size_t length;
	struct output lines; /* what the list writes to */
	struct sheet sheet;
	struct status_samples *samples; /* Prometheus: one family after the other */
	size_t count;
	enum check_status worst;
	size_t bad;            /* how many are worse than CHECK_OK */
	struct text bad_names; /* the first of them */
	struct failures failures;
	struct text failed_names; /* the first of them */
	int64_t oldest_s;         /* -1: none has a version */
};

int status_output_open(struct status_output *output, struct error *err);
int status_output_begin(struct status_output *output, struct error *err);

/* A status_each; context is the struct status_output. */
int status_output_add(const struct workspace_status *status, void *context, struct error *err);

/* Writes what is left, and the file. */
int status_output_end(struct status_output *output, struct error *err);
void status_output_release(struct status_output *output);

#define cleanup_status_output __attribute__((cleanup(status_output_release)))

#endif
