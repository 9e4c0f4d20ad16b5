/*
 * The last pass of a live version, over a workspace that stands still: finding a moment at which that costs it little,
 * and seeing to it that it runs again.
 */
#include "live/taking.h"

#include <stdatomic.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "live/own_group.h"
#include "live/processes.h"
#include "live/stray.h"
#include "live/weight.h"

/* If not all processes stand still by then, all are let go again: one of them is in a long system call, and the
 * others would have to wait for it. */
#define SHORT_TRY_MS 4
#define SHORT_TRIES 100
#define PAUSE_MS 15

/* A freeze that finds more than this to be copied is let go as well: it is copied while the workspace runs. */
#define MUCH_MS 8
#define MOST_LET_GO 8

#define MOST_INTRUSIONS 3

/* What has moved until it stood still. */
static int gather(struct taking *taking, struct error *err)
{
	taking->live->frozen_ns = clock_unix_ns();
	if (!taking->live->request.upper)
		return 0;
	return watch_take(&taking->watch, &taking->moves, err);
}

static int apply(struct taking *taking, const struct moves *moves, struct error *err)
{
	return change_keep_moves(taking, moves, err) < 0 ? -1 : pass_apply(&taking->pass, moves, err);
}

/* Files that are written to, and were not found by their paths. */
static int pass_over_strays(struct taking *taking, struct error *err)
{
	cleanup_moves struct moves found = { 0 };
	int all = stray_find(&taking->pass, taking->live->overlay.device, &found, err);

	taking->lost = all == 0;
	return all < 0 ? -1 : found.count > 0 ? apply(taking, &found, err) : 0;
}

/* What somebody from outside does while all stand still: a process that is in the mounts and not in the group, a loop device.
 * Like what is under way to a disk, the last of it may be in the version or not. */
static int pass_over_intruders(struct taking *taking, struct error *err)
{
	int result = 0;

	for (int look = 0; look < MOST_INTRUSIONS && result == 0 && !atomic_load(&taking->watch.lost); look++) {
		cleanup_moves struct moves moved = { 0 };

		if (watch_take(&taking->watch, &moved, err) < 0)
			return -1;
		if (moved.count == 0)
			return 0;
		result = apply(taking, &moved, err);
	}
	return result;
}

static int pass_over_frozen(struct taking *taking, struct error *err)
{
	struct watch *watch = &taking->watch;
	int result;

	taking->pass.frozen = true;
	if (watch_settle(watch, &taking->moves, taking_note_stray, taking, err) < 0 ||
	    taking_note_open_files(taking, err) < 0 || moves_add_all(&taking->moves, &taking->held, 0, err) < 0)
		return -1;
	taking->result->passes++;
	result = apply(taking, &taking->moves, err);
	if (result == 0)
		result = pass_over_strays(taking, err);
	if (result == 0)
		result = pass_over_intruders(taking, err);
	if (result == 0 && (atomic_load(&watch->lost) || taking->lost || taking->live->request.always_walk)) {
		log_detail("all of the layer is walked in the freeze: %s", atomic_load(&watch->lost)
										   ? strerror(watch->lost_errno)
									   : taking->lost ? "a file was not found"
											  : "asked for");
		taking->result->walked_frozen = true;
		result = pass_walk(&taking->pass, err);
	}
	pass_note_unsure(&taking->pass, &taking->moves);
	if (result == 0 && taking->live->request.inspect)
		result = taking->live->request.inspect(taking->live->request.context, err);
	return result;
}

/* Takes the version, and then makes the change. */
static int work_frozen(struct taking *taking, struct error *err)
{
	bool anything = !taking->live->request.upper;

	if (!anything && pass_over_frozen(taking, err) < 0)
		return -1;
	if (!taking->live->request.change)
		return 0;
	return change_make(taking, anything || taking->lost || atomic_load(&taking->watch.lost), err);
}

/* The guard does not answer any more: it has thawed the workspace because the time was over, or somebody has killed
 * it. */
static int lost_guard(struct taking *taking, struct error *err)
{
	if (!guard_has_thawed(&taking->guard))
		return -1;
	return taking_too_long(taking, "its processes could not be frozen", err);
}

/* Somebody else has paused it since we began: it is his group that stands still, and stays so. 0: it runs again. */
static int take_pause_over(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;
	cleanup_freezer struct freezer found = FREEZER_NONE;

	if (freezer_note(&live->freezer, false, err) < 0 || own_group_find(&live->request, &found, err) < 0)
		return -1;
	if (!found.frozen_before)
		return 0;
	freezer_release(&live->freezer);
	live->freezer = found;
	found = FREEZER_NONE;
	return 1;
}

/* 1 frozen, by us or by somebody else; 0 not within a short try, -1. Nothing is done between the look and the freeze: a pause
 * that came there would be taken for ours. */
static int freeze_once(struct taking *taking, unsigned wait_ms, struct error *err)
{
	struct live *live = taking->live;
	struct error ignored = { 0 };
	int paused, frozen;

	taking->result->tries++;
	taking->since_ms = clock_monotonic_ms();
	if (guard_arm(&taking->guard, live->request.max_freeze_ms, err) < 0)
		return lost_guard(taking, err);
	paused = freezer_note(&live->freezer, true, err) < 0 ? -1 : freezer_is_paused(&live->freezer, err);
	frozen = paused == 0 ? freezer_freeze(&live->freezer, wait_ms, err) : paused < 0 ? -1 : 0;
	if (frozen <= 0 && guard_disarm(&taking->guard, frozen < 0 ? &ignored : err) < 0)
		return lost_guard(taking, err);
	/* Its time was over before it was frozen: now nobody would thaw it. */
	if (frozen > 0 && guard_has_thawed(&taking->guard))
		return freezer_thaw(&live->freezer, err) < 0 ? -1 : lost_guard(taking, err);
	return paused > 0 ? take_pause_over(taking, err) : frozen;
}

/* As before, and urgent from then on if it is frozen. */
static int try_freeze(struct taking *taking, unsigned wait_ms, struct error *err)
{
	int frozen;

	urgency_begin(&taking->urgency);
	frozen = freeze_once(taking, wait_ms, err);
	if (frozen <= 0)
		urgency_end(&taking->urgency);
	return frozen;
}

static int freeze(struct taking *taking, struct error *err)
{
	unsigned most_ms = taking->live->request.max_freeze_ms;
	unsigned short_ms = most_ms < SHORT_TRY_MS ? most_ms : SHORT_TRY_MS;
	int frozen = 0;

	for (int try = 0; try < SHORT_TRIES && frozen == 0; try++) {
		if (try > 0)
			clock_sleep_ms(PAUSE_MS);
		/* Takes over now what was written since the last try, so that the freeze does not have to. */
		if (taking->live->request.upper &&
		    (taking_catch_up(taking, err) < 0 || taking_look_at_held(taking, err) < 0))
			return -1;
		frozen = try_freeze(taking, short_ms, err);
	}
	if (frozen == 0)
		frozen = try_freeze(taking, most_ms, err);
	if (frozen == 0)
		return taking_too_long(taking, "its processes could not be frozen", err);
	return frozen < 0 ? -1 : 0;
}

/* If the guard has thawed the workspace meanwhile, the copy may show two moments: it is not used. A change that was made is
 * made, whoever has thawed it at last; before one that was begun is made it must not run. */
static int thaw(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;
	struct error ignored = { 0 };
	int still, thawed;
	bool in_time;

	if (taking->begun)
		return 0;
	still = freezer_is_held(&live->freezer, err);
	thawed = freezer_thaw(&live->freezer, err);
	taking->thawed_ms = clock_monotonic_ms();
	in_time = !taking_is_late(taking, taking->thawed_ms);
	guard_disarm(&taking->guard, &ignored);
	if (still < 0 || thawed < 0)
		return -1;
	if (taking->made)
		return 0;
	if (!in_time)
		return taking_too_long(taking, "it could not be saved", err);
	return still ? 0 : error_set(err, ERROR_FAILED, "somebody else has thawed it meanwhile");
}

/* Gives up a freeze that began at a bad moment. */
static int let_go(struct taking *taking, struct error *err)
{
	if (freezer_thaw(&taking->live->freezer, err) < 0)
		return -1;
	urgency_end(&taking->urgency);
	if (guard_disarm(&taking->guard, err) < 0)
		return lost_guard(taking, err);
	log_detail("much was written just before it stood still: it goes on, and is to stand still a little later");
	return taking_catch_up(taking, err);
}

/* Where all is walked in the freeze anyway, no moment is better than another. */
static bool is_good_moment(struct taking *taking)
{
	return !taking->live->request.upper || atomic_load(&taking->watch.lost) ||
	       weight_of(&taking->pass, &taking->moves, MUCH_MS) < MUCH_MS;
}

/* Afterwards the workspace stands still, and `moves` holds what is to be copied. */
static int freeze_at_good_moment(struct taking *taking, struct error *err)
{
	struct error ignored = { 0 };

	for (int try = 0;; try++) {
		if (freeze(taking, err) < 0)
			return -1;
		if (taking->live->freezer.frozen_before)
			return 0;
		if (gather(taking, err) < 0) {
			thaw(taking, &ignored);
			return -1;
		}
		if (try == MOST_LET_GO || is_good_moment(taking))
			return 0;
		if (let_go(taking, err) < 0)
			return -1;
	}
}

/* Somebody else has paused it: nothing moves, and it stays so. */
static int take_paused(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;
	int still = freezer_wait(&live->freezer, live->request.max_freeze_ms, err);

	if (still < 0)
		return -1;
	if (!still)
		return error_set(err, ERROR_FAILED, "somebody else has paused it, and it does not stand still");
	if (taking->guard.page)
		guard_leave_frozen(&taking->guard);
	if (gather(taking, err) < 0 || work_frozen(taking, err) < 0)
		return -1;
	still = freezer_is_held(&live->freezer, err);
	if (still < 0)
		return -1;
	return still || taking->made ? 0 : error_set(err, ERROR_FAILED, "it was resumed while it was saved");
}

static int take_frozen(struct taking *taking, struct error *err)
{
	struct error failed = { 0 };
	int result, thawed;

	if (freeze_at_good_moment(taking, err) < 0)
		return -1;
	if (taking->live->freezer.frozen_before)
		return take_paused(taking, err);
	result = work_frozen(taking, &failed);
	thawed = thaw(taking, err);
	taking->result->frozen_ms = (taking->begun ? clock_monotonic_ms() : taking->thawed_ms) - taking->since_ms;
	if (result < 0)
		*err = failed;
	return result < 0 ? -1 : thawed;
}

static int take_guarded(struct taking *taking, struct error *err)
{
	/* The one of a change stands already. */
	if (!taking->live->request.change && guard_begin(&taking->guard, &taking->live->freezer, NULL, err) < 0)
		return -1;
	return take_frozen(taking, err);
}

int taking_pass_still(struct taking *taking, struct error *err)
{
	int taken = taking->live->freezer.frozen_before ? take_paused(taking, err) : take_guarded(taking, err);

	urgency_end(&taking->urgency);
	/* What was open is noted by then. Whoever has closed a file may have writes under way to it all the same; and all entries
	 * are not to be gone through before the workspace runs again. */
	if (taken == 0 && taking->ways)
		pass_note_landing(&taking->pass);
	return taken;
}
