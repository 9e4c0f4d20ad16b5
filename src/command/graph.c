#include "command/graph.h"

#include <stdlib.h>
#include <string.h>

static size_t find_lane(const struct graph *graph, int32_t version, size_t from)
{
	for (size_t i = from; i < graph->count; i++)
		if (graph->lanes[i] == version)
			return i;
	return graph->count;
}

static void drop_lane(struct graph *graph, size_t lane)
{
	memmove(graph->lanes + lane, graph->lanes + lane + 1, (graph->count - lane - 1) * sizeof(*graph->lanes));
	graph->count--;
}

/* "|_|/ /": the lane `from` goes over into the lane `to`, those to its right move up. */
static void draw_join(const struct graph *graph, size_t to, size_t from, struct text *lines)
{
	for (size_t i = 0; i < from; i++) {
		text_add(lines, "|");
		text_add(lines, i + 1 == from ? "/" : i >= to ? "_" : " ");
	}
	for (size_t i = from + 1; i < graph->count; i++)
		text_add(lines, " /");
	text_add(lines, "\n");
}

void graph_join(struct graph *graph, int32_t version, struct text *lines)
{
	size_t own = find_lane(graph, version, 0), other;

	while ((other = find_lane(graph, version, own + 1)) < graph->count) {
		draw_join(graph, own, other, lines);
		drop_lane(graph, other);
	}
}

static size_t take_lane(struct graph *graph, int32_t version)
{
	size_t lane = find_lane(graph, version, 0);

	if (lane < graph->count)
		return lane;
	if (graph->count == graph->capacity) {
		size_t capacity = graph->capacity ? graph->capacity * 2 : 8;
		int32_t *grown = reallocarray(graph->lanes, capacity, sizeof(*grown));

		if (!grown) {
			graph->failed = true;
			return graph->count;
		}
		graph->lanes = grown;
		graph->capacity = capacity;
	}
	graph->lanes[graph->count++] = version;
	return lane;
}

/* What came from nothing ends its lane; those to its right move up with the next line. */
void graph_node(struct graph *graph, int32_t version, int32_t parent, const char *mark, struct text *line)
{
	size_t own = take_lane(graph, version);

	if (own >= graph->count)
		return;
	for (size_t i = 0; i < graph->count; i++) {
		text_add(line, i == own ? mark : "|");
		text_add(line, " ");
	}
	graph->lanes[own] = parent;
	if (!parent)
		drop_lane(graph, own);
}

void graph_space(const struct graph *graph, struct text *line)
{
	for (size_t i = 0; i < graph->count; i++)
		text_add(line, "| ");
}

void graph_release(struct graph *graph)
{
	free(graph->lanes);
	*graph = (struct graph){ 0 };
}
