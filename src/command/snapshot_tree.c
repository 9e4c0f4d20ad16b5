#include "command/snapshot_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "command/graph.h"

struct tree_node {
	struct ctr_snapshot snapshot;
	char *display_name, *source;
	int32_t version;
	bool managed;
};

static void node_release(struct tree_node *node)
{
	ctr_snapshot_release(&node->snapshot);
	free(node->display_name);
	free(node->source);
}

void snapshot_tree_release(struct snapshot_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		node_release(&tree->nodes[i]);
	free(tree->nodes);
	*tree = (struct snapshot_tree){ 0 };
}

static char *copy_known(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int node_fill(struct tree_node *node, const struct history_snapshot *described, struct error *err)
{
	const struct ctr_snapshot *snapshot = described->snapshot;

	node->snapshot.name = strdup(snapshot->name);
	node->snapshot.parent = strdup(snapshot->parent);
	node->snapshot.kind = snapshot->kind;
	node->snapshot.created_ns = snapshot->created_ns;
	node->display_name = copy_known(described->display_name);
	node->source = copy_known(described->source);
	node->version = described->version;
	node->managed = described->managed;
	return node->snapshot.name && node->snapshot.parent && !node->display_name == !described->display_name &&
			       !node->source == !described->source
		       ? 0
		       : error_memory(err);
}

int snapshot_tree_add(struct snapshot_tree *tree, const struct history_snapshot *described, struct error *err)
{
	struct tree_node *nodes = reallocarray(tree->nodes, tree->count + 1, sizeof(*nodes));

	if (!nodes)
		return error_memory(err);
	tree->nodes = nodes;
	nodes[tree->count] = (struct tree_node){ 0 };
	return node_fill(&nodes[tree->count++], described, err);
}

/* A parent was committed before what stands on it was made. */
static int compare_ages(const void *a, const void *b, void *context)
{
	const struct tree_node *nodes = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int64_t left_ns = nodes[left].snapshot.created_ns, right_ns = nodes[right].snapshot.created_ns;

	if (left_ns != right_ns)
		return left_ns < right_ns ? 1 : -1;
	return (left > right) - (left < right);
}

/* The graph knows numbers from 1; 0 is nobody. */
static int32_t number_of(const struct snapshot_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->count; i++)
		if (strcmp(tree->nodes[i].snapshot.name, name) == 0)
			return (int32_t)i + 1;
	return 0;
}

static int draw_joins(struct text *joins, snapshot_tree_line line, void *context, struct error *err)
{
	char *save = NULL;

	for (char *drawn = joins->length ? strtok_r(joins->data, "\n", &save) : NULL; drawn;
	     drawn = strtok_r(NULL, "\n", &save))
		if (line(drawn, NULL, context, err) < 0)
			return -1;
	return 0;
}

static int draw_node(const struct snapshot_tree *tree, struct graph *graph, size_t place, snapshot_tree_line line,
		     void *context, struct error *err)
{
	const struct tree_node *node = &tree->nodes[place];
	const struct history_snapshot described = { .snapshot = &node->snapshot,
						    .display_name = node->display_name,
						    .source = node->source,
						    .version = node->version,
						    .managed = node->managed };
	cleanup_text struct text joins = { 0 }, drawn = { 0 };

	graph_join(graph, (int32_t)place + 1, &joins);
	graph_node(graph, (int32_t)place + 1, number_of(tree, node->snapshot.parent), "*", &drawn);
	if (graph->failed || joins.failed || drawn.failed)
		return error_memory(err);
	if (draw_joins(&joins, line, context, err) < 0)
		return -1;
	return line(drawn.length ? drawn.data : "", &described, context, err);
}

int snapshot_tree_draw(const struct snapshot_tree *tree, snapshot_tree_line line, void *context, struct error *err)
{
	cleanup_free size_t *order = calloc(tree->count + 1, sizeof(*order));
	struct graph graph = { 0 };
	int result = 0;

	if (!order)
		return error_memory(err);
	for (size_t i = 0; i < tree->count; i++)
		order[i] = i;
	qsort_r(order, tree->count, sizeof(*order), compare_ages, tree->nodes);
	for (size_t i = 0; result == 0 && i < tree->count; i++)
		result = draw_node(tree, &graph, order[i], line, context, err);
	graph_release(&graph);
	return result;
}
