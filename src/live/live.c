#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "live/index.h"
#include "live/own_group.h"
#include "live/taking.h"

/* --- before ------------------------------------------------------------------------------------------------- */

static int open_folder(const char *path, int flags, int *fd, struct error *err)
{
	*fd = open(path, flags | O_DIRECTORY | O_CLOEXEC);
	return *fd >= 0 ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot open the folder '%s'", path);
}

static int open_folders(struct live *live, struct error *err)
{
	const struct live_request *request = &live->request;
	cleanup_free char *merged = text_format("/proc/%u/root", request->pid);
	struct stat status;

	if (!merged)
		return error_memory(err);
	if (open_folder(merged, O_PATH, &live->merged, err) < 0 ||
	    (request->upper && open_folder(request->upper, O_RDONLY | O_NOFOLLOW, &live->upper, err) < 0))
		return -1;
	if (fstat(live->merged, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine its root");
	live->overlay.device = status.st_dev;
	return 0;
}

/* What the tip was taken of. Where our file does not say so, the tip's layers say what it shows. */
static int find_state(struct live *live, struct error *err)
{
	const struct live_request *request = &live->request;
	int loaded;

	if (!request->tip)
		return 0;
	live->tip = (struct tip){ .find = request->find_tip, .context = request->context };
	loaded = index_load(request->index, request->tip, &live->tree, err);
	if (loaded != 0 || !request->find_tip)
		return loaded;
	log_detail("the state of '%s' is not known: all is compared with what it shows", request->tip);
	return tip_load(&live->tip, request->marks, &live->tree, err);
}

int live_begin(const struct live_request *request, struct live **begun, bool *has_tip, struct error *err)
{
	struct live *live = calloc(1, sizeof(*live));
	int loaded;

	if (!live)
		return error_memory(err);
	*live = (struct live){ .request = *request, .freezer = FREEZER_NONE, .upper = -1, .layer = -1, .merged = -1 };
	live->index = strdup(request->index);
	live->upper_path = strdup(request->upper ? request->upper : "");
	if (!live->index || !live->upper_path) {
		error_memory(err);
		goto failed;
	}
	if (nodes_begin(&live->tree, err) < 0 || open_folders(live, err) < 0 ||
	    own_group_find(&live->request, &live->freezer, err) < 0)
		goto failed;
	loaded = find_state(live, err);
	if (loaded < 0)
		goto failed;
	live->has_tip = *has_tip = loaded > 0;
	*begun = live;
	return 0;
failed:
	live_end(live);
	return -1;
}

void live_end(struct live *live)
{
	if (!live)
		return;
	freezer_release(&live->freezer);
	nodes_release(&live->tree);
	tip_release(&live->tip);
	overlay_release(&live->overlay);
	free(live->index);
	free(live->upper_path);
	if (live->upper >= 0)
		close(live->upper);
	if (live->layer >= 0)
		close(live->layer);
	if (live->merged >= 0)
		close(live->merged);
	free(live);
}

int live_save_index(struct live *live, const char *name, struct error *err)
{
	return index_save(live->index, name, &live->tree, live->frozen_ns, err);
}

int live_rename_index(const char *index, const char *from, const char *to, struct error *err)
{
	cleanup_nodes struct nodes nodes = { 0 };
	int loaded = nodes_begin(&nodes, err) < 0 ? -1 : index_load(index, from, &nodes, err);

	/* Nothing becomes unsure by that: the state is the same, only its tip has another name. */
	return loaded > 0 ? index_save(index, to, &nodes, INT64_MAX, err) : loaded;
}

int live_is_as_tip(const char *upper, enum layer_marks marks, const char *index, const char *tip)
{
	cleanup_nodes struct nodes nodes = { 0 };
	cleanup_pass struct pass pass = { 0 };
	cleanup_fd int dir = open(upper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error why = { 0 };

	if (dir < 0 || nodes_begin(&nodes, &why) < 0 || index_load(index, tip, &nodes, &why) <= 0)
		return 0;
	if (pass_begin(&pass, marks, &nodes, NULL, dir, -1, -1, &why) == 0 && pass_look(&pass, &why) == 0)
		return 1;
	log_detail("%s", why.message);
	return 0;
}

int live_thaw(const char *folder, struct error *err)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;

	if (access(folder, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (freezer_open(&freezer, folder, err) < 0)
		return -1;
	return freezer_thaw(&freezer, err);
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

/* While the workspace runs. */
static int prepare(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;

	if (!live->request.upper)
		return change_look(taking, err);
	/* Then little has to be written back in the freeze; and it protects mapped pages again, so that stores into
	 * them show. */
	if (syncfs(live->upper) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write back '%s'", live->upper_path);
	return taking_pass_running(taking, err);
}

static int begin_watch(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;
	cleanup_free char *merged = text_format("/proc/%u/root", live->request.pid);

	if (!merged)
		return error_memory(err);
	if (watch_begin(&taking->watch, merged, live->upper, live->request.maps_unheard, err) < 0)
		return -1;
	if (pass_begin(&taking->pass, live->request.marks, &live->tree, &taking->watch, live->upper, live->layer,
		       live->merged, err) < 0)
		return -1;
	if (live->request.landing_ms)
		taking->pass.landing_ns = (int64_t)live->request.landing_ms * 1000000;
	if (live->tip.find)
		taking->pass.tip = &live->tip;
	return 0;
}

/* The kernel takes off the marks one by one: not in a thread of its own, which would take the workspace another core. */
static void end_watch(struct taking *taking)
{
	int marks;

	pass_release(&taking->pass);
	marks = watch_end(&taking->watch);
	if (marks >= 0)
		close(marks);
}

/* Whoever comes after a crash must know what may be frozen, and the guard what to tell him. */
static int note_freezer(struct live *live, struct error *err)
{
	const struct live_request *request = &live->request;

	if (!request->note_freezer || live->freezer.frozen_before)
		return 0;
	live->freezer.sign = request->note_freezer(live->freezer.folder, request->context, err);
	return live->freezer.sign < 0 ? -1 : 0;
}

/* The guard of a change comes first of all, as long as there are no other threads. */
int live_take(struct live *live, const char *layer, struct live_result *result, bool *again, struct error *err)
{
	struct taking taking = { .live = live, .guard = GUARD_NONE, .result = result };
	int filled = -1;

	*again = false;
	*result = (struct live_result){ 0 };
	if ((layer && open_folder(layer, O_RDONLY | O_NOFOLLOW, &live->layer, err) < 0) ||
	    note_freezer(live, err) < 0 || (live->request.change && change_begin(&taking, err) < 0))
		return -1;
	if ((!live->request.upper || begin_watch(&taking, err) == 0) && prepare(&taking, err) == 0)
		filled = taking_pass_still(&taking, err);
	*again = filled < 0 && taking.pass.unfit && !taking.begun;
	result->copied_bytes = taking.pass.copier.bytes;
	result->copied_entries = taking.pass.copier.entries;
	guard_end(&taking.guard);
	if (live->request.upper)
		end_watch(&taking);
	moves_release(&taking.moves);
	moves_release(&taking.since);
	moves_release(&taking.held);
	if (taking.made)
		live->request.change->settle(live->request.change->context);
	return filled;
}
