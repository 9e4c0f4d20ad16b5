#include "live/order.h"

#include <stdlib.h>

/* How many folders lie above it; what is no whole folder comes behind all that are, in the order in which it was told. */
struct place {
	uint32_t depth, number;
};

static uint32_t depth_of(const struct nodes *tree, const struct move *move)
{
	uint32_t depth = 0;
	uint32_t id = nodes_by_inode(tree, move->folder);

	if (!(move->flags & MOVE_WHOLE) || id == NODE_NONE)
		return UINT32_MAX;
	for (; id != NODE_ROOT; id = nodes_node(tree, id)->parent)
		depth++;
	return depth;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->depth != right->depth)
		return left->depth < right->depth ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

int order_moves(const struct nodes *tree, const struct moves *moves, uint32_t **order, struct error *err)
{
	struct place *places = calloc(moves->count + 1, sizeof(*places));
	uint32_t *numbers = calloc(moves->count + 1, sizeof(*numbers));

	*order = numbers;
	if (!places || !numbers) {
		free(places);
		return error_memory(err);
	}
	for (uint32_t i = 0; i < moves->count; i++)
		places[i] = (struct place){ .depth = depth_of(tree, &moves->items[i]), .number = i };
	qsort(places, moves->count, sizeof(*places), compare_places);
	for (uint32_t i = 0; i < moves->count; i++)
		numbers[i] = places[i].number;
	free(places);
	return 0;
}
