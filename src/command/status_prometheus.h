/* The text format of Prometheus (Exposition formats, "Text-based format", version 0.0.4). */
#ifndef WSNAP_COMMAND_STATUS_PROMETHEUS_H
#define WSNAP_COMMAND_STATUS_PROMETHEUS_H

#include <stdio.h>

#include "status/status.h"

struct status_samples;

/* Keeps what is told of a workspace: the samples of one metric stand together. -1: no memory. */
int status_samples_add(struct status_samples **samples, const struct workspace_status *status, int64_t now_ns,
		       struct error *err);

/* Writes them. NULL: there are none, which is a document as well. */
void status_samples_write(const struct status_samples *samples, const char *namespace, FILE *stream);
void status_samples_free(struct status_samples *samples);

#endif
