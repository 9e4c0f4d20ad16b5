/* Drawing what came from what beside the lines of a list, newest first, as `git log --graph` does. */
#ifndef WSNAP_COMMAND_GRAPH_H
#define WSNAP_COMMAND_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Zeroed, it is empty. */
struct graph {
	int32_t *lanes; /* the version that each line of descent leads to next */
	size_t count, capacity;
	bool failed; /* no memory */
};

/* Before a version's line: lines that bring those together that lead to it. Each ends with '\n'. */
void graph_join(struct graph *graph, int32_t version, struct text *lines);

/* The beginning of the version's line. `mark` stands for it; `parent` is what it came from, 0 for nothing. */
void graph_node(struct graph *graph, int32_t version, int32_t parent, const char *mark, struct text *line);

/* The beginning of a line between two versions. */
void graph_space(const struct graph *graph, struct text *line);

void graph_release(struct graph *graph);

#endif
