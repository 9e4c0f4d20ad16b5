#include "output/progress.h"

#include <stdio.h>
#include <unistd.h>

/* Carriage return, and erase to the end of the line (ECMA-48, 8.3.41 EL). */
#define BEGIN_LINE "\r\033[K"

void progress_begin(struct progress *progress, size_t total, bool wanted)
{
	progress->total = total;
	progress->done = 0;
	progress->shown = wanted && total > 1 && isatty(STDERR_FILENO);
}

void progress_step(struct progress *progress)
{
	size_t done = atomic_fetch_add(&progress->done, 1) + 1;

	if (progress->shown)
		fprintf(stderr, BEGIN_LINE "%zu of %zu done", done, progress->total);
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs(BEGIN_LINE, stderr);
}
