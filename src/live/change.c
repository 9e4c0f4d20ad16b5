/* The change that is made in the freeze. */
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "live/frame.h"
#include "live/live.h"
#include "live/own_group.h"
#include "live/taking.h"

/* A guard that is there answers at once. */
#define ANSWER_MS 2000

static struct guard_duty duty_of(const struct live_change *change, bool stays_frozen)
{
	struct guard_duty duty = { .finish = change->finish,
				   .settle = change->settle,
				   .give_up = change->give_up,
				   .context = change->context,
				   .stays_frozen = stays_frozen };

	_Static_assert(GUARD_MOST_KEPT == LIVE_MOST_KEPT, "a guard keeps all");
	memcpy(duty.kept, change->kept, sizeof(duty.kept));
	return duty;
}

int change_begin(struct taking *taking, struct error *err)
{
	const struct guard_duty duty = duty_of(taking->live->request.change, taking->live->freezer.frozen_before);

	return guard_begin(&taking->guard, &taking->live->freezer, &duty, err);
}

int change_look(struct taking *taking, struct error *err)
{
	const struct live_change *change = taking->live->request.change;

	moves_release(&taking->since);
	return change->look(change->context, err);
}

int change_keep_moves(struct taking *taking, const struct moves *moves, struct error *err)
{
	return taking->live->request.change ? moves_add_all(&taking->since, moves, MOVE_ALL, err) : 0;
}

/* --- what has moved ----------------------------------------------------------------------------------------- */

static void add_path(const struct nodes *tree, uint32_t id, struct text *path)
{
	if (id != NODE_ROOT)
		nodes_add_path(tree, id, path);
}

static int tell(struct taking *taking, uint32_t id, const char *name, bool whole, struct error *err)
{
	const struct live_change *change = taking->live->request.change;
	cleanup_text struct text path = { 0 };

	text_add(&path, "");
	add_path(&taking->live->tree, id, &path);
	if (name)
		text_printf(&path, "%s%s", path.length ? "/" : "", name);
	if (path.failed)
		return error_memory(err);
	return change->moved(path.data ? path.data : "", whole, change->context, err);
}

/* A folder that was copied up shows what lies below; what has moved in it is what the writable layer has. Any other that
 * came here may lack what was there before. */
static bool was_copied_up(const struct taking *taking, uint32_t id)
{
	bool users = taking->live->request.marks == LAYER_MARKS_USER;
	cleanup_text struct text path = { 0 };

	if (nodes_node(&taking->live->tree, id)->flags & NODE_OPAQUE)
		return false;
	text_printf(&path, "/proc/self/fd/%d/", taking->live->upper);
	add_path(&taking->live->tree, id, &path);
	return !path.failed &&
	       lgetxattr(path.data, users ? "user.overlay.origin" : "trusted.overlay.origin", NULL, 0) >= 0;
}

static int tell_below(struct taking *taking, uint32_t folder, struct error *err);

/* Whatever is true of one name of a file is true of all of them. */
static int tell_names(struct taking *taking, uint32_t id, struct error *err)
{
	const struct nodes *tree = &taking->live->tree;
	uint64_t inode = nodes_inode(tree, id);

	for (uint32_t other = nodes_by_inode(tree, inode); other != NODE_NONE; other = nodes_next_by_inode(tree, other))
		if (other != id && nodes_node(tree, other)->kind != NODE_DIRECTORY &&
		    tell(taking, other, NULL, false, err) < 0)
			return -1;
	return 0;
}

static int tell_entry(struct taking *taking, uint32_t id, bool whole, struct error *err)
{
	switch ((enum node_kind)nodes_node(&taking->live->tree, id)->kind) {
	case NODE_DIRECTORY:
		if (!whole || !was_copied_up(taking, id))
			return tell(taking, id, NULL, whole, err);
		return tell(taking, id, NULL, false, err) < 0 ? -1 : tell_below(taking, id, err);
	case NODE_REGULAR:
	case NODE_OTHER:
		return tell(taking, id, NULL, false, err) < 0 ? -1 : tell_names(taking, id, err);
	case NODE_GONE:
	case NODE_WHITEOUT:
		break;
	}
	return tell(taking, id, NULL, true, err);
}

static int tell_below(struct taking *taking, uint32_t folder, struct error *err)
{
	uint32_t child = nodes_node(&taking->live->tree, folder)->first_child;

	for (; child != NODE_NONE; child = nodes_node(&taking->live->tree, child)->next_sibling)
		if (tell_entry(taking, child, true, err) < 0)
			return -1;
	return 0;
}

static int tell_inode(struct taking *taking, uint64_t inode, struct error *err)
{
	const struct nodes *tree = &taking->live->tree;

	for (uint32_t id = nodes_by_inode(tree, inode); id != NODE_NONE; id = nodes_next_by_inode(tree, id))
		if (tell(taking, id, NULL, false, err) < 0)
			return -1;
	return 0;
}

/* A folder that is not there any more has moved in the one that it was in. */
static int tell_move(struct taking *taking, const struct move *move, const char *name, struct error *err)
{
	const struct nodes *tree = &taking->live->tree;

	if (strcmp(name, MOVES_INODE) == 0)
		return tell_inode(taking, move->folder, err);
	for (uint32_t id = nodes_by_inode(tree, move->folder); id != NODE_NONE; id = nodes_next_by_inode(tree, id)) {
		uint32_t entry = *name ? nodes_find(tree, id, name) : id;
		int told;

		if (nodes_node(tree, id)->kind != NODE_DIRECTORY && id != NODE_ROOT)
			continue;
		if (entry == NODE_NONE)
			told = tell(taking, id, name, true, err);
		else if (*name)
			told = tell_entry(taking, entry, move->flags & MOVE_WHOLE, err);
		else
			told = tell(taking, entry, NULL, false, err);
		if (told < 0)
			return -1;
	}
	return 0;
}

static int tell_moved(struct taking *taking, bool anything, struct error *err)
{
	if (anything)
		return tell(taking, NODE_ROOT, NULL, true, err);
	for (uint32_t i = 0; i < taking->since.count; i++)
		if (tell_move(taking, &taking->since.items[i], moves_name(&taking->since, i), err) < 0)
			return -1;
	return 0;
}

/* --- making it ---------------------------------------------------------------------------------------------- */

/* From now on it is made, whatever happens. Until here the workspace may be thawed under us. */
static int commit(struct taking *taking, struct error *err)
{
	int still = freezer_is_held(&taking->live->freezer, err);
	bool late = taking_is_late(taking, clock_monotonic_ms());

	if (still > 0 && !late && guard_commit(&taking->guard, ANSWER_MS, err) == 0)
		return 0;
	if (still == 0)
		error_set(err, ERROR_FAILED, "somebody else has thawed it meanwhile");
	if (late || guard_has_thawed(&taking->guard))
		return taking_too_long(taking, "what was to be changed was not ready", err);
	return -1;
}

/* What is sealed, and was not begun, is not to be made any more; who cannot take the seal off has to say so. */
static int give_up(const struct live_change *change, struct error *err)
{
	if (change->give_up(change->context) == 0)
		return -1;
	err->kind = ERROR_INCOMPLETE;
	return error_wrap(err, "it runs, and its files are not changed yet");
}

/* Where this process cannot, its guard may. */
static int make(struct guard *guard, const struct live_change *change, struct error *err)
{
	struct error ignored = { 0 };

	if (change->make(change->context, err) == 0)
		return 0;
	log_detail("%s", err->message);
	if (guard_take_over(guard, &ignored) == 0) {
		error_clear(err);
		return 0;
	}
	err->kind = ERROR_INCOMPLETE;
	return error_wrap(err, "it stands still, since its files are not changed to the end");
}

int change_make(struct taking *taking, bool anything, struct error *err)
{
	const struct live_change *change = taking->live->request.change;

	if (anything)
		log_detail("all of it is compared in the freeze");
	if (tell_moved(taking, anything, err) < 0 || change->ready(change->context, err) < 0)
		return -1;
	if (change->seal(change->context, err) < 0 || commit(taking, err) < 0)
		return give_up(change, err);
	taking->begun = true;
	if (make(&taking->guard, change, err) < 0)
		return -1;
	taking->begun = false;
	taking->made = true;
	return 0;
}

/* --- making one that an earlier run has begun ----------------------------------------------------------------- */

/* The guard has its order first: it is sealed, so whatever becomes of us has to be made before anybody runs. */
static int freeze_to_finish(struct freezer *freezer, struct guard *guard, struct error *err)
{
	struct error ignored = { 0 };
	int frozen;

	if ((!freezer->frozen_before && freezer_note(freezer, true, err) < 0) ||
	    guard_commit(guard, ANSWER_MS, err) < 0)
		return -1;
	frozen = freezer->frozen_before ? freezer_wait(freezer, GUARD_FREEZE_MS, err)
					: freezer_freeze(freezer, GUARD_FREEZE_MS, err);
	if (frozen > 0)
		return 0;
	guard_disarm(guard, &ignored);
	return frozen < 0 ? -1 : error_set(err, ERROR_FAILED, "its processes could not be frozen");
}

static int finish_frozen(struct freezer *freezer, struct guard *guard, bool stays_frozen,
			 const struct live_change *change, struct error *err)
{
	struct error ignored = { 0 };

	if (freeze_to_finish(freezer, guard, err) < 0 || make(guard, change, err) < 0)
		return -1;
	if (!stays_frozen && freezer_thaw(freezer, err) < 0)
		return -1;
	guard_disarm(guard, &ignored);
	change->settle(change->context);
	return 0;
}

int live_is_frozen(const struct live_request *request, struct error *err)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;

	return own_group_find(request, &freezer, err) < 0 ? -1 : freezer_is_frozen(&freezer, err);
}

/* What we have frozen is thawed. Somebody else's pause stays, and so does the one in the other hierarchy beside it, which the
 * caller thaws. */
int live_finish(const struct live_request *request, const char *ours, struct error *err)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	cleanup_guard struct guard guard = GUARD_NONE;
	struct guard_duty duty;
	bool stays;

	if (own_group_find(request, &freezer, err) < 0)
		return -1;
	stays = freezer.frozen_before && !(ours && strcmp(ours, freezer.folder) == 0);
	duty = duty_of(request->change, stays);
	/* Nobody may take back what was begun. */
	duty.committed = true;
	if (!stays)
		freezer.sign = request->note_freezer(freezer.folder, request->context, err);
	if ((!stays && freezer.sign < 0) || guard_begin(&guard, &freezer, &duty, err) < 0)
		return -1;
	return finish_frozen(&freezer, &guard, stays, request->change, err);
}
