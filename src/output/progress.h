/* One line on a terminal that says how far a long run has come. Nothing where standard error is no terminal. */
#ifndef WSNAP_OUTPUT_PROGRESS_H
#define WSNAP_OUTPUT_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct progress {
	size_t total;
	atomic_size_t done;
	bool shown;
};

/* Shows nothing unless it is wanted and standard error is a terminal. */
void progress_begin(struct progress *progress, size_t total, bool wanted);

/* One more is done. Any thread may call it. */
void progress_step(struct progress *progress);

/* Takes the line away. */
void progress_end(struct progress *progress);

#endif
