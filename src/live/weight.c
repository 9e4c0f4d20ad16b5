#include "live/weight.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "live/frame.h"

/* Measured on a slow machine: an entry that is looked at, and the comparing and writing of what a file holds. */
#define ENTRY_MS 0.05
#define MIB_MS 1.0

#define MIB 1048576.0

/* A folder that came here is walked, and nobody knows how much is in it. */
static double weight_of_entry(const struct stat *status, const struct move *move, double enough_ms)
{
	double held = (double)status->st_blocks * 512, size = (double)status->st_size;

	if (S_ISDIR(status->st_mode))
		return move->flags & MOVE_WHOLE ? enough_ms : 0;
	return S_ISREG(status->st_mode) ? (held < size ? held : size) / MIB * MIB_MS : 0;
}

/* The name `name` in a folder of the writable layer. What cannot be looked at costs nothing here: the pass itself tells. */
static double weigh(struct pass *pass, uint32_t folder, const char *name, const struct move *move, double enough_ms)
{
	struct error ignored = { 0 };
	struct pass_frame frame;
	struct stat status;
	double weight = 0;

	if (frame_open(pass, folder, &frame, &ignored) != 0)
		return 0;
	if (fstatat(frame.upper, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		weight = weight_of_entry(&status, move, enough_ms);
	frame_close(&frame);
	return weight;
}

static double weight_of_move(struct pass *pass, const struct moves *moves, uint32_t at, double enough_ms)
{
	const struct move *move = &moves->items[at];
	const char *name = moves_name(moves, at);
	uint32_t id = nodes_by_inode(pass->tree, move->folder);

	if (id == NODE_NONE || !*name)
		return 0;
	if (strcmp(name, MOVES_INODE) != 0)
		return weigh(pass, id, name, move, enough_ms);
	if (nodes_node(pass->tree, id)->parent == NODE_NONE)
		return 0;
	return weigh(pass, nodes_node(pass->tree, id)->parent, nodes_name(pass->tree, id), move, enough_ms);
}

double weight_of(struct pass *pass, const struct moves *moves, double enough_ms)
{
	double weight = moves->count * ENTRY_MS;

	for (uint32_t i = 0; i < moves->count && weight < enough_ms; i++)
		weight += weight_of_move(pass, moves, i, enough_ms);
	return weight;
}
