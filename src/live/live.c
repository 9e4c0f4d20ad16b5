#include "live/live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "live/freezer.h"
#include "live/guard.h"
#include "live/index.h"
#include "live/pass.h"
#include "live/processes.h"

/* A freeze that is not whole by then is let go, so that nobody waits for one that is in a long system call. */
#define SHORT_TRY_MS 4
#define SHORT_TRIES 40
#define PAUSE_MS 15

/* Passes while it runs end when so little is left, or when it no longer shrinks. */
#define FEW_MOVES 32
#define MOST_PASSES 8

struct live {
	struct live_request request; /* its strings are the caller's, and may be gone after the beginning */
	char *index, *upper_path;
	struct freezer freezer;
	struct nodes tree;
	bool has_tip;
	int upper, layer, merged;
	dev_t overlay;
	int64_t frozen_ns; /* when it stood still */
};

/* What is known only while the layer is filled. */
struct taking {
	struct live *live;
	struct watch watch;
	struct pass pass;
	struct guard guard;
	struct moves moves;
	bool lost;       /* an open file could not be found */
	double since_ms; /* when it was to stand still */
	struct live_result *result;
};

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
	    open_folder(request->upper, O_RDONLY | O_NOFOLLOW, &live->upper, err) < 0)
		return -1;
	if (fstat(live->merged, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine its root");
	live->overlay = status.st_dev;
	return 0;
}

static int find_freezer(struct live *live, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (processes_of(&processes, live->request.pid, err) < 0)
		return -1;
	return freezer_find(&live->freezer, processes.pids, processes.count, live->request.others,
			    live->request.other_count, err);
}

int live_begin(const struct live_request *request, struct live **begun, bool *has_tip, struct error *err)
{
	struct live *live = calloc(1, sizeof(*live));
	int loaded = 0;

	if (!live)
		return error_memory(err);
	*live = (struct live){ .request = *request, .freezer = FREEZER_NONE, .upper = -1, .layer = -1, .merged = -1 };
	live->index = strdup(request->index);
	live->upper_path = strdup(request->upper);
	if (!live->index || !live->upper_path) {
		error_memory(err);
		goto failed;
	}
	if (nodes_begin(&live->tree, err) < 0 || open_folders(live, err) < 0 || find_freezer(live, err) < 0)
		goto failed;
	if (request->tip)
		loaded = index_load(request->index, request->tip, &live->tree, err);
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

	/* Nothing new is unsure. */
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

/* --- open files --------------------------------------------------------------------------------------------- */

static int note_stray(const struct stat *status, void *context, struct error *err)
{
	struct taking *taking = context;

	taking->lost = true;
	return pass_add_stray(&taking->pass, status, err);
}

/* A file of the overlay. One of the layer's own filesystem is one only where it is found: a volume may lie there too. */
static bool is_of_overlay(const struct taking *taking, const struct stat *status)
{
	return status->st_dev == taking->live->overlay;
}

static int note_open_file(const struct open_file *file, void *context, struct error *err)
{
	struct taking *taking = context;
	unsigned flags = (file->mapped ? MOVE_MAPPED : 0) | (file->direct ? MOVE_DIRECT : 0);
	int found;

	if (!is_of_overlay(taking, &file->status) && file->status.st_dev != taking->pass.device)
		return 0;
	found = watch_find(taking->live->upper, file->link_dir, file->link, &file->status, flags, &taking->moves, err);
	if (found != 0 || !taking->pass.frozen || !is_of_overlay(taking, &file->status))
		return found < 0 ? -1 : 0;
	return note_stray(&file->status, taking, err);
}

static int note_open_files(struct taking *taking, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (processes_in(&processes, taking->live->freezer.folder, err) < 0)
		return -1;
	for (size_t i = 0; i < processes.count; i++)
		if (processes_files(processes.pids[i], true, note_open_file, taking, err) < 0)
			return -1;
	return 0;
}

/* --- while it runs ------------------------------------------------------------------------------------------ */

static int apply_moves(struct taking *taking, struct error *err)
{
	int result = pass_apply(&taking->pass, &taking->moves, err);

	taking->result->passes++;
	moves_release(&taking->moves);
	return result;
}

/* Files that are mapped, or open past the page cache, are taken once while it runs, whatever their times say: in the
 * freeze they are only compared then. */
static int pass_over_running(struct taking *taking, struct error *err)
{
	uint32_t before = UINT32_MAX;

	if (note_open_files(taking, err) < 0)
		return -1;
	taking->result->passes++;
	if (pass_walk(&taking->pass, err) < 0 || apply_moves(taking, err) < 0)
		return -1;
	while (taking->result->passes < MOST_PASSES && !atomic_load(&taking->watch.lost)) {
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

/* --- frozen ------------------------------------------------------------------------------------------------- */

static int pass_over_frozen(struct taking *taking, struct error *err)
{
	struct watch *watch = &taking->watch;
	int result;

	taking->pass.frozen = true;
	taking->live->frozen_ns = clock_unix_ns();
	if (watch_take(watch, &taking->moves, err) < 0 ||
	    watch_settle(watch, &taking->moves, note_stray, taking, err) < 0 || note_open_files(taking, err) < 0)
		return -1;
	taking->result->passes++;
	result = pass_apply(&taking->pass, &taking->moves, err);
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

static int too_long(struct taking *taking, const char *what, struct error *err)
{
	error_set(err, ERROR_FAILED, "%s within %u ms", what, taking->live->request.max_freeze_ms);
	return error_hint(err, "--max-freeze allows more, --stop saves it with a stop");
}

/* A guard takes no order any more: it has thawed the workspace, since the time was over, or somebody has killed it. */
static int lost_guard(struct taking *taking, struct error *err)
{
	if (!guard_has_thawed(&taking->guard))
		return -1;
	return too_long(taking, "its processes could not be frozen", err);
}

/* 1 frozen, 0 not within a short try, -1. */
static int try_freeze(struct taking *taking, unsigned wait_ms, struct error *err)
{
	struct live *live = taking->live;
	struct error ignored = { 0 };
	int frozen;

	taking->result->tries++;
	taking->since_ms = clock_monotonic_ms();
	if (guard_arm(&taking->guard, live->request.max_freeze_ms, err) < 0)
		return lost_guard(taking, err);
	frozen = freezer_freeze(&live->freezer, wait_ms, err);
	if (frozen <= 0 && guard_disarm(&taking->guard, frozen < 0 ? &ignored : err) < 0)
		return lost_guard(taking, err);
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
		frozen = try_freeze(taking, short_ms, err);
	}
	if (frozen == 0)
		frozen = try_freeze(taking, most_ms, err);
	if (frozen == 0)
		return too_long(taking, "its processes could not be frozen", err);
	return frozen < 0 ? -1 : 0;
}

/* All that was seen is worth something only if nobody ran meanwhile. */
static int thaw(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;
	int still = freezer_is_frozen(&live->freezer, err);
	int thawed = freezer_thaw(&live->freezer, err);
	bool in_time = !guard_has_thawed(&taking->guard);
	struct error ignored = { 0 };

	guard_disarm(&taking->guard, &ignored);
	if (still < 0 || thawed < 0)
		return -1;
	if (!in_time)
		return too_long(taking, "it could not be saved", err);
	return still ? 0 : error_set(err, ERROR_FAILED, "somebody else has thawed it meanwhile");
}

static int take_frozen(struct taking *taking, struct error *err)
{
	struct error failed = { 0 };
	int result, thawed;

	if (freeze(taking, err) < 0)
		return -1;
	result = pass_over_frozen(taking, &failed);
	thawed = thaw(taking, err);
	taking->result->frozen_ms = clock_monotonic_ms() - taking->since_ms;
	if (result < 0)
		*err = failed;
	return result < 0 ? -1 : thawed;
}

/* Somebody else has paused it: nothing moves, and it stays so. */
static int take_paused(struct taking *taking, struct error *err)
{
	int still = pass_over_frozen(taking, err) < 0 ? -1 : freezer_is_frozen(&taking->live->freezer, err);

	if (still < 0)
		return -1;
	return still ? 0 : error_set(err, ERROR_FAILED, "it was resumed while it was saved");
}

static int take_guarded(struct taking *taking, struct error *err)
{
	const struct live_request *request = &taking->live->request;
	int result;

	if (request->note_freezer && request->note_freezer(taking->live->freezer.folder, request->context, err) < 0)
		return -1;
	if (guard_begin(&taking->guard, &taking->live->freezer, err) < 0)
		return -1;
	result = take_frozen(taking, err);
	guard_end(&taking->guard);
	return result;
}

/* --- all of it ---------------------------------------------------------------------------------------------- */

static int fill(struct taking *taking, struct error *err)
{
	struct live *live = taking->live;

	/* Little is left to be written back later: pages that are mapped are protected again by it. */
	if (syncfs(live->upper) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write back '%s'", live->upper_path);
	if (pass_over_running(taking, err) < 0)
		return -1;
	return live->freezer.frozen_before ? take_paused(taking, err) : take_guarded(taking, err);
}

int live_take(struct live *live, const char *layer, struct live_result *result, bool *again, struct error *err)
{
	struct taking taking = { .live = live, .guard = GUARD_NONE, .result = result };
	cleanup_free char *merged = text_format("/proc/%u/root", live->request.pid);
	int filled = -1;

	*again = false;
	*result = (struct live_result){ 0 };
	if (!merged)
		return error_memory(err);
	if (open_folder(layer, O_RDONLY | O_NOFOLLOW, &live->layer, err) < 0 ||
	    watch_begin(&taking.watch, merged, live->upper, err) < 0)
		return -1;
	if (pass_begin(&taking.pass, live->request.marks, &live->tree, &taking.watch, live->upper, live->layer,
		       live->merged, err) == 0)
		filled = fill(&taking, err);
	*again = filled < 0 && taking.pass.unfit;
	result->copied_bytes = taking.pass.copier.bytes;
	result->copied_entries = taking.pass.copier.entries;
	pass_release(&taking.pass);
	watch_end(&taking.watch);
	moves_release(&taking.moves);
	return filled;
}
