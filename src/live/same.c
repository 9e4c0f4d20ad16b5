#include "live/same.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "layer/attributes.h"
#include "layer/content.h"
#include "layer/regular.h"
#include "layer/same.h"
#include "live/frame.h"

static bool has_same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* --- one whose inode and times are the tip's ------------------------------------------------------------------ */

/* The tip shows a file there, so it is that of the newest layer that has one: its folder, which stays the tip's; -1. */
static int find_in_tip(struct pass *pass, const struct pass_frame *frame, const char *name, struct stat *shown)
{
	for (size_t i = 0; i < pass->tip->layers.count; i++) {
		int folder = tip_folder(pass->tip, pass->tree, frame->node, i);

		if (folder >= 0 && fstatat(folder, name, shown, AT_SYMLINK_NOFOLLOW) == 0)
			return folder;
		if (errno != ENOENT)
			return -1;
	}
	return -1;
}

static bool has_same_metadata(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_size == b->st_size && has_same_time(a, b);
}

/* Where times come in grains, an attribute may have changed as well without a new one. */
bool same_content_as_tip(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status)
{
	const char *name = nodes_name(pass->tree, id);
	struct error ignored = { 0 };
	struct stat shown;
	int folder;
	cleanup_fd int ours = -1;
	cleanup_fd int theirs = -1;

	/* In the freeze nobody is asked where the layers are: the workspace would wait for the answer. */
	if ((pass->frozen && !pass->tip->asked) || !tip_open(pass->tip))
		return false;
	folder = find_in_tip(pass, frame, name, &shown);
	if (folder < 0 || !has_same_metadata(status, &shown) ||
	    xattrs_equal(frame->upper, name, folder, name, pass->copier.buffer, &ignored) != 1)
		return false;
	ours = regular_open_same(frame->upper, name, status->st_ino);
	theirs = regular_open_same(folder, name, shown.st_ino);
	if (ours < 0 || theirs < 0 ||
	    sync_file_range(ours, 0, 0,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) < 0)
		return false;
	return content_equal(ours, theirs, status->st_size) == 1;
}

/* --- one of which nothing is known ---------------------------------------------------------------------------- */

/* A file that has a name in the new layer already has all its names there. */
static bool may_stay(struct pass *pass, const struct stat *status, const struct stat *shown)
{
	if (S_ISDIR(status->st_mode))
		return has_same_time(status, shown);
	return tip_pairs(pass->tip, status, shown) &&
	       (status->st_nlink == 1 || !inodes_find(&pass->copier.links, status));
}

bool same_as_tip(struct pass *pass, const struct pass_frame *frame, uint32_t id, const struct stat *status)
{
	const struct node *node = nodes_node(pass->tree, id);
	const char *name = nodes_name(pass->tree, id);
	struct same same = { .buffer = pass->copier.buffer, .file_limit = INT64_MAX, .bytes_limit = INT64_MAX };
	struct error why = { 0 };
	struct stat shown;
	int folder;

	if (node->kind != nodes_kind(status))
		return false;
	if (node->kind == NODE_WHITEOUT)
		return true;
	folder = tip_folder(pass->tip, pass->tree, frame->node, (size_t)node->ctime_ns);
	if (folder < 0 || fstatat(folder, name, &shown, AT_SYMLINK_NOFOLLOW) < 0 || !may_stay(pass, status, &shown))
		return false;
	if (same_entries(&same, frame->upper, status, folder, &shown, name, &why) == 1)
		return true;
	if (why.kind)
		log_detail("%s", why.message);
	return false;
}
