/* Removing entries with all that is in them: first what is no folder, on the way down; then the folders, from the bottom. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/listing.h"
#include "replace/going.h"
#include "replace/items.h"
#include "replace/remove.h"
#include "replace/written.h"

struct removal {
	struct replace *replace;
	char **folders; /* each behind the one that it is in */
	size_t count, capacity;
	bool holds_mount; /* what leads to a mount stays */
};

static int add_folder(struct removal *removal, char *path, struct error *err)
{
	cleanup_free char *taken = path;

	if (!taken)
		return error_memory(err);
	if (removal->count == removal->capacity) {
		size_t capacity = removal->capacity ? 2 * removal->capacity : 16;
		char **grown = reallocarray(removal->folders, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		removal->folders = grown;
		removal->capacity = capacity;
	}
	removal->folders[removal->count++] = steal_pointer(taken);
	return 0;
}

static void removal_release(struct removal *removal)
{
	for (size_t i = 0; i < removal->count; i++)
		free(removal->folders[i]);
	free(removal->folders);
}

static bool loosen_file(int file)
{
	int flags = 0, without;

	if (file < 0 || ioctl(file, FS_IOC_GETFLAGS, &flags) < 0)
		return false;
	without = flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	return without != flags && ioctl(file, FS_IOC_SETFLAGS, &without) == 0;
}

bool loosen(int folder, const char *name)
{
	cleanup_fd int path = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int file = -1;
	bool loosened = loosen_file(folder);
	struct stat status;
	char link[64];

	/* Opening anything else may do something. */
	if (path < 0 || fstat(path, &status) < 0 || !(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)))
		return loosened;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	file = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return loosen_file(file) || loosened;
}

static int remove_name(struct replace *replace, int folder, const char *name, int flags, const char *path,
		       struct error *err)
{
	if (flags == 0)
		going_hold(replace, folder, name);
	if (unlinkat(folder, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno == EPERM && loosen(folder, name) && unlinkat(folder, name, flags) == 0)
		return 0;
	return error_errno(err, ERROR_FAILED, errno, "cannot remove '/%s'", path);
}

static int remove_listed(struct removal *removal, int folder, const char *above, const struct entry *entry,
			 struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", above, entry->name);

	if (!path)
		return error_memory(err);
	if (beneath_is_mount(folder, entry->name) || items_is_mounted(removal->replace, path)) {
		removal->holds_mount = true;
		return 0;
	}
	if (entry->kind == ENTRY_DIRECTORY)
		return add_folder(removal, steal_pointer(path), err);
	if (written_check_stop(removal->replace, err) < 0 || written_check(removal->replace, path, err) < 0)
		return -1;
	return remove_name(removal->replace, folder, entry->name, 0, path, err);
}

static int empty_folder(struct removal *removal, const char *path, struct error *err)
{
	cleanup_fd int folder = beneath_open(removal->replace->root, path, O_RDONLY);
	struct listing listing;
	struct entry entry;
	int more;

	if (folder < 0)
		return beneath_is_gone(errno)
			       ? 0
			       : error_errno(err, ERROR_FAILED, errno, "cannot open the folder '/%s'", path);
	listing_begin(&listing, folder);
	while ((more = listing_next(&listing, &entry, err)) > 0)
		if (remove_listed(removal, folder, path, &entry, err) < 0)
			return -1;
	return more;
}

static int remove_folder(struct removal *removal, const char *path, struct error *err)
{
	struct beneath *here = &removal->replace->here;
	struct error why = { 0 };
	const char *name;
	int folder;

	beneath_forget(here);
	beneath_forget(&removal->replace->upper);
	folder = beneath_parent(here, path, &name);
	if (folder < 0)
		return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot find '/%s'", path);
	if (remove_name(removal->replace, folder, name, AT_REMOVEDIR, path, &why) == 0 || removal->holds_mount)
		return 0;
	*err = why;
	return -1;
}

static int remove_tree(struct removal *removal, const char *path, struct error *err)
{
	if (add_folder(removal, strdup(path), err) < 0)
		return -1;
	for (size_t i = 0; i < removal->count; i++)
		if (empty_folder(removal, removal->folders[i], err) < 0)
			return -1;
	while (removal->count > 0) {
		cleanup_free char *folder = removal->folders[--removal->count];

		if (remove_folder(removal, folder, err) < 0)
			return -1;
	}
	return 0;
}

int remove_entry(struct replace *replace, const char *path, struct error *err)
{
	__attribute__((cleanup(removal_release))) struct removal removal = { .replace = replace };
	struct stat status;
	const char *name;
	int folder = beneath_parent(&replace->here, path, &name);

	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot find '/%s'", path);
	if (beneath_is_mount(folder, name))
		return 0;
	if (S_ISDIR(status.st_mode))
		return remove_tree(&removal, path, err);
	return written_check(replace, path, err) < 0 ? -1 : remove_name(replace, folder, name, 0, path, err);
}
