/* In which order moves are looked at. */
#ifndef WSNAP_LIVE_ORDER_H
#define WSNAP_LIVE_ORDER_H

#include <stdint.h>

#include "base/error.h"
#include "live/moves.h"
#include "live/nodes.h"

/*
 * Numbers of all moves: folders that came, went or changed places first, the ones that are highest in the tree before those
 * below them. What is in a folder that is taken whole is taken with it, and not once more for each folder above it. The
 * caller frees *order.
 */
int order_moves(const struct nodes *tree, const struct moves *moves, uint32_t **order, struct error *err);

#endif
