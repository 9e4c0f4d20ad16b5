/*
 * One line on a terminal that says how much has been walked over and copied, once that takes longer than a second:
 * "12345 entries, 340 MiB, 85 MiB/s". A thread of its own writes it to standard error.
 */
#ifndef WSNAP_OUTPUT_METER_LINE_H
#define WSNAP_OUTPUT_METER_LINE_H

#include <stdbool.h>

#include "base/beside.h"
#include "base/meter.h"

struct meter_line {
	struct beside beside;
	struct meter begin;
	double begin_ms;
	int wake; /* an event that ends the thread; -1: nothing is shown */
};

/* Shows nothing unless it is wanted and standard error is a terminal. *line stays where it is until the end. */
void meter_line_begin(struct meter_line *line, bool wanted);

/* Takes the line away. */
void meter_line_end(struct meter_line *line);

#endif
