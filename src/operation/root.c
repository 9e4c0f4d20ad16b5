#include "operation/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs_tree.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "workspace/location.h"

/* A line of mountinfo (proc(5)): "36 35 0:41 ROOT POINT rw … - TYPE SOURCE OPTIONS". */
struct line {
	char *text;
	const char *root, *source, *options;
};

static bool split(struct line *line)
{
	char *rest = strstr(line->text, " - "), *save = NULL;

	if (!rest)
		return false;
	*rest = '\0';
	strtok_r(rest + strlen(" - "), " ", &save);
	line->source = strtok_r(NULL, " ", &save);
	line->options = strtok_r(NULL, "\n", &save);
	strtok_r(line->text, " ", &save);
	strtok_r(NULL, " ", &save);
	strtok_r(NULL, " ", &save);
	line->root = strtok_r(NULL, " ", &save);
	return line->root && line->source && line->options;
}

/* The line of the mount with that id, as the process has it: 1, 0, -1. */
static int find_line(uint32_t pid, uint64_t id, struct line *line, struct error *err)
{
	cleanup_free char *path = text_format("/proc/%u/mountinfo", pid);
	cleanup_file FILE *table = path ? fopen(path, "re") : NULL;
	size_t size = 0;

	if (!table)
		return error_errno(err, ERROR_FAILED, errno, "the mounts of process %u cannot be read", pid);
	while (getline(&line->text, &size, table) > 0)
		if (strtoull(line->text, NULL, 10) == id)
			return split(line);
	return ferror(table) ? error_errno(err, ERROR_FAILED, errno, "the mounts of process %u cannot be read", pid)
			     : 0;
}

static bool has_option(const char *options, const char *name, const char *value)
{
	cleanup_free char *wanted = text_format(",%s=%s,", name, value);
	cleanup_free char *all = text_format(",%s,", options);

	return wanted && all && strstr(all, wanted);
}

/* Where the files lie in a folder, that folder is what is bound. */
static bool is_folder(const struct statx *root, const char *folder)
{
	struct stat status;

	return stat(folder, &status) == 0 && status.st_ino == root->stx_ino &&
	       status.st_dev == makedev(root->stx_dev_major, root->stx_dev_minor);
}

/* Of btrfs, a mount shows the whole of a subvolume only where its root is that of the subvolume, which always has one number. */
static bool is_subvolume(const struct statx *root, const struct line *line, const struct ctr_mount *mount)
{
	return root->stx_ino == BTRFS_FIRST_FREE_OBJECTID &&
	       has_option(line->options, "subvolid", ctr_mount_option(mount, "subvolid"));
}

static bool is_snapshot(const struct location *location, const struct ctr_mounts *mounts, const struct statx *root,
			const struct line *line)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;

	if (!mount)
		return false;
	if (strcmp(mount->type, "bind") == 0)
		return is_folder(root, mount->source);
	if (ctr_mount_option(mount, "subvolid"))
		return strcmp(line->source, mount->source) == 0 && is_subvolume(root, line, mount);
	if (strcmp(line->root, "/") != 0)
		return false;
	if (ctr_mount_option(mount, "upperdir"))
		return location->writable && has_option(line->options, "upperdir", location->writable);
	return strcmp(line->source, mount->source) == 0;
}

/* 1: the root that is open is the mount of that snapshot and all of it, 0, -1. */
static int is_mount_of(const struct location *location, const struct ctr_mounts *mounts, uint32_t pid, int root,
		       struct error *err)
{
	struct line line = { 0 };
	struct statx status;
	int found;

	if (statx(root, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the root of process %u cannot be looked at", pid);
	if (!(status.stx_mask & STATX_MNT_ID) || !(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	found = find_line(pid, status.stx_mnt_id, &line, err);
	if (found > 0)
		found = is_snapshot(location, mounts, &status, &line);
	free(line.text);
	return found;
}

static int judge(struct run *run, uint32_t pid, int root, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	int is_ours;

	if (ctr_snapshot_mounts(run->session->ctr, record->snapshotter, record->old_active, &mounts, err) < 0 ||
	    location_find(run->session, record->snapshotter, record->old_active, &location, err) < 0)
		return -1;
	is_ours = is_mount_of(&location, &mounts, pid, root, err);
	if (is_ours != 0)
		return is_ours < 0 ? -1 : 0;
	return error_set(err, ERROR_REFUSED,
			 "the root of the first process of '%s' is not the snapshot that containerd knows",
			 record->container_id);
}

int root_open(struct run *run, uint32_t pid, struct error *err)
{
	cleanup_free char *path = text_format("/proc/%u/root", pid);
	cleanup_fd int root = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (root < 0)
		return error_errno(err, ERROR_FAILED, errno, "the root of '%s' cannot be opened",
				   run->record->container_id);
	return judge(run, pid, root, err) < 0 ? -1 : steal_fd(&root);
}
