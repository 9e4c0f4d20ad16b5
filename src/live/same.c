#include "live/same.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "layer/content.h"
#include "layer/regular.h"
#include "live/frame.h"

static int open_layers(struct pass_tip *tip, const struct layer_paths *layers, struct error *err)
{
	tip->folders = calloc(layers->count + 1, sizeof(*tip->folders));
	if (!tip->folders)
		return error_memory(err);
	for (size_t i = 0; i < layers->count; i++) {
		int folder = open(layers->items[i], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (folder < 0)
			return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", layers->items[i]);
		tip->folders[tip->count++] = folder;
	}
	return 0;
}

void tip_release(struct pass_tip *tip)
{
	for (size_t i = 0; i < tip->count; i++)
		close(tip->folders[i]);
	free(steal_pointer(tip->folders));
	tip->count = 0;
}

/* Whether there are layers to look into. In the freeze nobody is asked: the workspace would wait for the answer. */
static bool find_layers(struct pass *pass)
{
	cleanup_layer_paths struct layer_paths layers = { 0 };
	struct error why = { 0 };

	if (pass->tip.asked || pass->frozen)
		return pass->tip.count > 0;
	pass->tip.asked = true;
	if (pass->tip.find(&layers, pass->tip.context, &why) == 0 && open_layers(&pass->tip, &layers, &why) == 0)
		return pass->tip.count > 0;
	log_detail("files cannot be compared with those of the version before: %s", why.message);
	tip_release(&pass->tip);
	return false;
}

/* The tip shows a file there, so it is that of the newest layer that has one. */
static int open_in_tip(const struct pass *pass, uint32_t id)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	cleanup_text struct text path = { .limit = 4000 };
	int file = -1;

	nodes_add_path(pass->tree, id, &path);
	errno = ENOENT;
	for (size_t i = 0; i < pass->tip.count && !path.failed && file < 0 && errno == ENOENT; i++)
		file = (int)syscall(SYS_openat2, pass->tip.folders[i], path.data, &how, sizeof(how));
	return file;
}

static bool has_same_metadata(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool tip_has_same(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status)
{
	cleanup_fd int ours = -1;
	cleanup_fd int theirs = -1;
	struct stat shown;

	if (!find_layers(pass))
		return false;
	ours = regular_open_same(frame->upper, nodes_name(pass->tree, id), status->st_ino);
	theirs = open_in_tip(pass, id);
	if (ours < 0 || theirs < 0 || fstat(theirs, &shown) < 0 || !has_same_metadata(status, &shown))
		return false;
	if (sync_file_range(ours, 0, 0,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
		return false;
	return content_equal(ours, theirs, status->st_size) == 1;
}
