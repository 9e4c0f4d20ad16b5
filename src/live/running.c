/* The passes of a live version while the workspace runs, and the files that its processes hold open. */
#include "live/taking.h"

#include <stdatomic.h>

#include "live/loops.h"
#include "live/processes.h"
#include "live/stray.h"

/* Passes end when so little is left, or when it no longer shrinks. */
#define FEW_MOVES 32
#define MOST_PASSES 6

/* --- open files --------------------------------------------------------------------------------------------- */

int taking_note_stray(const struct stat *status, void *context, struct error *err)
{
	struct taking *taking = context;

	return stray_add(&taking->pass, status, err);
}

/* A file of the layer's own filesystem is one of the overlay only where it is found: a volume may lie there too. */
static int note_open_file(const struct open_file *file, void *context, struct error *err)
{
	struct taking *taking = context;
	unsigned flags = (file->mapped ? MOVE_MAPPED : 0) | (file->direct ? MOVE_DIRECT : 0);
	int ours = overlay_has(&taking->live->overlay, file, err);
	int found;

	if (ours < 0 || (!ours && file->status.st_dev != taking->pass.device))
		return ours;
	found = watch_find(taking->live->upper, file->link_dir, file->link, &file->status, flags, &taking->moves, err);
	if (found != 0 || !taking->pass.frozen || !ours)
		return found < 0 ? -1 : 0;
	return taking_note_stray(&file->status, taking, err);
}

int taking_note_open_files(struct taking *taking, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (processes_in(&processes, taking->live->freezer.folder, err) < 0)
		return -1;
	for (size_t i = 0; i < processes.count; i++) {
		int ways = processes_files(processes.pids[i], true, note_open_file, taking, err);

		if (ways < 0)
			return -1;
		taking->ways |= (unsigned)ways;
	}
	return loops_files(taking->live->merged, note_open_file, taking, err);
}

/* --- while it runs ------------------------------------------------------------------------------------------ */

static int keep_moves(struct taking *taking, struct error *err)
{
	if (taking->watch.maps_unheard && moves_add_all(&taking->held, &taking->moves, 0, err) < 0)
		return -1;
	return change_keep_moves(taking, &taking->moves, err);
}

static int apply_moves(struct taking *taking, struct error *err)
{
	int result = keep_moves(taking, err) < 0 ? -1 : pass_apply(&taking->pass, &taking->moves, err);

	taking->result->passes++;
	moves_release(&taking->moves);
	return result;
}

/* Whatever is mapped now is held on to. What was open before, or was written to, is looked at once more, and forgotten: it is
 * told of again when it is opened anew. */
int taking_look_at_held(struct taking *taking, struct error *err)
{
	cleanup_moves struct moves before = taking->held;

	if (!taking->watch.maps_unheard)
		return 0;
	taking->held = (struct moves){ 0 };
	if (taking_note_open_files(taking, err) < 0 || apply_moves(taking, err) < 0)
		return -1;
	return pass_apply(&taking->pass, &before, err);
}

/* Name by name, as they are told. */
static int pass_over_moves(struct taking *taking, struct error *err)
{
	uint32_t before = UINT32_MAX;

	for (int pass = 0; pass < MOST_PASSES && !atomic_load(&taking->watch.lost); pass++) {
		uint32_t count;

		if (watch_take(&taking->watch, &taking->moves, err) < 0)
			return -1;
		count = taking->moves.count;
		if (apply_moves(taking, err) < 0)
			return -1;
		if (count <= FEW_MOVES || count >= before)
			return 0;
		before = count;
	}
	return 0;
}

int taking_catch_up(struct taking *taking, struct error *err)
{
	if (taking->moves.count == 0 && watch_take(&taking->watch, &taking->moves, err) < 0)
		return -1;
	return taking->moves.count > 0 ? apply_moves(taking, err) : 0;
}

/* Files that are mapped, or open past the page cache, are copied once while the workspace runs, whatever their times
 * say: in the freeze they only have to be compared then. */
int taking_pass_running(struct taking *taking, struct error *err)
{
	if (taking_note_open_files(taking, err) < 0)
		return -1;
	taking->result->passes++;
	if (pass_walk(&taking->pass, err) < 0 || apply_moves(taking, err) < 0 || pass_over_moves(taking, err) < 0)
		return -1;
	if (!taking->live->request.change)
		return 0;
	/* What has moved until here is seen by whoever looks now. */
	return change_look(taking, err) < 0 ? -1 : pass_over_moves(taking, err);
}
