#include "live/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "live/nodes.h"

#define MOST_STRAYS 256
#define FILES_SIZE 4096 /* bytes of events read at once: each of the overlay opens a file */
#define ONE_FILE sizeof(struct fanotify_event_metadata)
#define NAMES_SIZE 65536

#define OVERLAY_MASK (FAN_MODIFY | FAN_CLOSE_WRITE)
#define NAMES_MASK                                                                                             \
	(FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | \
	 FAN_ONDIR | FAN_EVENT_ON_CHILD)

#ifndef FAN_REPORT_FD_ERROR
#define FAN_REPORT_FD_ERROR 0x2000
#endif

static void lose(struct watch *watch, int why)
{
	watch->lost_errno = why;
	atomic_store(&watch->lost, true);
}

/* Opens a folder below the layer's root; nothing is followed. */
static int open_beneath(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
}

/* An overlay shows a file of the layer with the same size, mode and times, but under another device and inode
 * number: so those are compared, and the numbers are not. */
bool watch_is_same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mode == b->st_mode && nodes_ctime(a) == nodes_ctime(b) &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* `path` is absolute in the workspace; it is cut in two. 1 found, 0 not there, -1. */
static int find_path(int upper, char *path, const struct stat *wanted, unsigned flags, struct moves *moves,
		     struct error *err)
{
	char *name = strrchr(path, '/');
	cleanup_fd int folder = -1;
	struct stat status, file;

	if (!name || !name[1])
		return 0;
	*name = '\0';
	folder = open_beneath(upper, *path == '/' ? path + 1 : path);
	*name = '/';
	if (folder < 0 || fstat(folder, &status) < 0 || fstatat(folder, name + 1, &file, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !watch_is_same(&file, wanted))
		return 0;
	return moves_add(moves, status.st_ino, name + 1, flags, err) < 0 ? -1 : 1;
}

const char *watch_inside(const char *path)
{
	static const char root[] = "/rootfs/"; /* as runtimes mount it */
	const char *found = strstr(path, root);

	return found ? found + sizeof(root) - 2 : NULL;
}

int watch_find(int upper, int dir, const char *link, const struct stat *status, unsigned flags, struct moves *moves,
	       struct error *err)
{
	char path[PATH_MAX];
	ssize_t length = readlinkat(dir, link, path, sizeof(path) - 1);
	const char *inside;
	int found;

	if (length <= 0 || path[0] != '/')
		return 0;
	path[length] = '\0';
	found = find_path(upper, path, status, flags, moves, err);
	inside = watch_inside(path);
	if (found == 0 && inside)
		found = find_path(upper, path + (inside - path), status, flags, moves, err);
	return found;
}

/* --- events of the overlay: a descriptor for each ------------------------------------------------ */

/* 1 found, 0 not (yet), -1 error. A file without a name is none of the layer's. */
static int find_file(struct watch *watch, int file, struct moves *moves, struct error *err)
{
	char link[64];
	struct stat status;

	if (fstat(file, &status) < 0 || !S_ISREG(status.st_mode) || status.st_nlink == 0)
		return 1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	return watch_find(watch->upper, AT_FDCWD, link, &status, MOVE_CONTENT, moves, err);
}

/* Forgets those that are found by now, or have gone. */
static int sweep_strays(struct watch *watch, struct error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < watch->stray_count; i++) {
		int found = find_file(watch, watch->strays[i].file, &watch->moves, err);

		if (found < 0)
			return -1;
		if (found > 0)
			close(watch->strays[i].file);
		else
			watch->strays[kept++] = watch->strays[i];
	}
	watch->stray_count = kept;
	return 0;
}

/* Each of them once, however often it is told of. 1: kept; 0: the file is not needed. */
static int keep_stray(struct watch *watch, int file, struct error *err)
{
	struct stat status;

	if (fstat(file, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot examine a file that was written to");
	for (size_t i = 0; i < watch->stray_count; i++)
		if (watch->strays[i].inode == status.st_ino && watch->strays[i].device == status.st_dev)
			return 0;
	if (!watch->strays)
		watch->strays = malloc(MOST_STRAYS * sizeof(*watch->strays));
	if (!watch->strays)
		return error_memory(err);
	if (watch->stray_count == MOST_STRAYS && sweep_strays(watch, err) < 0)
		return -1;
	if (watch->stray_count == MOST_STRAYS) {
		lose(watch, EMFILE);
		return 0;
	}
	watch->strays[watch->stray_count++] =
		(struct stray){ .file = file, .device = status.st_dev, .inode = status.st_ino };
	return 1;
}

/* While a file is written to, what the overlay and the layer say of it may differ for a moment: hence three tries. */
static int note_file(struct watch *watch, struct fanotify_event_metadata *event, struct error *err)
{
	cleanup_fd int file = event->fd;
	int found = 0;

	if (file < 0) {
		lose(watch, -file);
		return 0;
	}
	for (int try = 0; try < 3 && found == 0; try++)
		found = find_file(watch, file, &watch->moves, err);
	if (found == 0) {
		found = keep_stray(watch, file, err);
		if (found > 0)
			file = -1;
	}
	return found < 0 ? -1 : 0;
}

/* --- events of the layer's directories: a handle and a name --------------------------------------- */

/* What the handles of these say is known (include/linux/exportfs.h); others use the same types in their own ways. */
static bool has_known_handles(int folder)
{
	struct statfs status;

	return fstatfs(folder, &status) == 0 &&
	       (status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_SUPER_MAGIC ||
		status.f_type == BTRFS_SUPER_MAGIC);
}

/* The number that is in the handle; 0: it has to be opened. */
static uint64_t inode_in(const struct file_handle *handle)
{
	uint32_t narrow = 0;
	uint64_t wide = 0;

	switch (handle->handle_type) {
	case 0x01: /* FILEID_INO32_GEN, and with its parent */
	case 0x02:
		memcpy(&narrow, handle->f_handle, sizeof(narrow));
		return narrow;
	case 0x81: /* FILEID_INO64_GEN, and with its parent */
	case 0x82:
	case 0x4d: /* FILEID_BTRFS_WITHOUT_PARENT, and with it */
	case 0x4e:
	case 0x4f:
		memcpy(&wide, handle->f_handle, sizeof(wide));
		return wide;
	default:
		return 0;
	}
}

/* 0: it is gone. */
static uint64_t inode_of(struct watch *watch, struct file_handle *handle)
{
	cleanup_fd int file = -1;
	struct stat status;

	if (watch->known_handles && inode_in(handle) != 0)
		return inode_in(handle);
	file = open_by_handle_at(watch->upper, handle, O_PATH | O_CLOEXEC);
	if (file >= 0 && fstat(file, &status) == 0)
		return status.st_ino;
	if (errno != ESTALE && errno != ENOENT)
		lose(watch, errno);
	return 0;
}

static unsigned flags_of(uint64_t mask)
{
	if (!(mask & FAN_ONDIR))
		return MOVE_CONTENT;
	return mask & (FAN_CREATE | FAN_MOVED_TO | FAN_DELETE | FAN_MOVED_FROM) ? MOVE_WHOLE : MOVE_CONTENT;
}

static int note_info(struct watch *watch, struct fanotify_event_info_fid *info, uint64_t mask, struct error *err)
{
	struct file_handle *handle = (void *)info->handle;
	const char *name = (const char *)(handle->f_handle + handle->handle_bytes);
	uint64_t inode = inode_of(watch, handle);

	if (inode == 0)
		return 0;
	if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_FID)
		return mask & FAN_ONDIR ? 0 : moves_add(&watch->moves, inode, MOVES_INODE, MOVE_CONTENT, err);
	if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID || strcmp(name, ".") == 0)
		name = "";
	return moves_add(&watch->moves, inode, name, *name ? flags_of(mask) : 0, err);
}

/* An event names the folder with the name of the entry, and then the entry itself, which may have other names too. */
static int note_name(struct watch *watch, struct fanotify_event_metadata *event, struct error *err)
{
	char *at = (char *)event + event->metadata_len, *end = (char *)event + event->event_len;

	while (at + sizeof(struct fanotify_event_info_fid) <= end) {
		struct fanotify_event_info_fid *info = (void *)at;

		if (info->hdr.len < sizeof(*info) || note_info(watch, info, event->mask, err) < 0)
			return -1;
		at += info->hdr.len;
	}
	return 0;
}

/* --- both ----------------------------------------------------------------------------------------- */

typedef int (*note_event)(struct watch *watch, struct fanotify_event_metadata *event, struct error *err);

/* Notes every event that was read, also behind one that could not be: each may have a descriptor to be closed. */
static int note_all(struct watch *watch, void *events, ssize_t left, note_event note, struct error *err)
{
	int result = 1;

	for (struct fanotify_event_metadata *event = events; FAN_EVENT_OK(event, left);
	     event = FAN_EVENT_NEXT(event, left)) {
		if (event->mask & FAN_Q_OVERFLOW)
			lose(watch, EOVERFLOW);
		else if (note(watch, event, err) < 0)
			result = -1;
	}
	return result;
}

/* Reads at most `size` bytes of events: 1 there may be more, 0 there is nothing now, -1 error. */
static int read_some(struct watch *watch, int group, size_t size, note_event note, struct error *err)
{
	_Alignas(struct fanotify_event_metadata) char events[NAMES_SIZE];
	ssize_t length = read(group, events, size);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (length <= 0) {
		lose(watch, errno);
		return 0;
	}
	return note_all(watch, events, length, note, err);
}

static int read_all(struct watch *watch, struct error *err)
{
	int more = 1;

	while (more > 0 && watch->overlay >= 0)
		more = read_some(watch, watch->overlay, watch->tells_errors ? FILES_SIZE : ONE_FILE, note_file, err);
	if (more < 0)
		return -1;
	more = watch->names >= 0;
	while (more > 0)
		more = read_some(watch, watch->names, NAMES_SIZE, note_name, err);
	return more;
}

static void *keep_reading(void *argument)
{
	struct watch *watch = argument;
	struct pollfd wait[] = { { .fd = watch->wake, .events = POLLIN },
				 { .fd = watch->overlay, .events = POLLIN },
				 { .fd = watch->names, .events = POLLIN } };

	for (;;) {
		struct error err = { 0 };

		if (poll(wait, 3, -1) < 0 && errno != EINTR)
			lose(watch, errno);
		if (wait[0].revents || atomic_load(&watch->lost))
			return NULL;
		pthread_mutex_lock(&watch->lock);
		if (read_all(watch, &err) < 0)
			lose(watch, ENOMEM);
		pthread_mutex_unlock(&watch->lock);
	}
}

/*
 * Since Linux 6.13 an event says where its file could not be opened. Before, an event of which that is true is dropped, but for
 * the first that is read: hence one at a time then. To open a file that somebody has a lease on would wait for him to give
 * it up (fcntl(2), F_SETLEASE); not to wait is a failure that only the newer kernels tell of.
 */
static int open_overlay_group(struct watch *watch)
{
	const unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE;
	const unsigned opening = O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME;
	int group = fanotify_init(flags | FAN_REPORT_FD_ERROR, opening | O_NONBLOCK);

	watch->tells_errors = group >= 0;
	return group < 0 && errno == EINVAL ? fanotify_init(flags, opening) : group;
}

static void mark_overlay(struct watch *watch, const char *merged)
{
	watch->overlay = open_overlay_group(watch);
	if (watch->overlay < 0 ||
	    fanotify_mark(watch->overlay, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, OVERLAY_MASK, AT_FDCWD, merged) < 0)
		lose(watch, errno);
}

/* overlayfs maps the file of the layer itself, and opens that so that nobody is told, before commit bc2473c90fca ("ovl: enable
 * fsnotify events on underlying real files"). */
static bool is_before_6_5(void)
{
	struct utsname system;
	unsigned major, minor;

	return uname(&system) < 0 || sscanf(system.release, "%u.%u", &major, &minor) != 2 || major < 6 ||
	       (major == 6 && minor < 5);
}

int watch_begin(struct watch *watch, const char *merged, int upper, bool maps_unheard, struct error *err)
{
	*watch = (struct watch){ .overlay = -1, .names = -1, .upper = upper, .wake = eventfd(0, EFD_CLOEXEC) };
	watch->maps_unheard = maps_unheard || is_before_6_5();
	watch->known_handles = has_known_handles(upper);
	pthread_mutex_init(&watch->lock, NULL);
	if (watch->wake < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot watch the writable layer");
	mark_overlay(watch, merged);
	watch->names = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
					     FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME_TARGET,
				     0);
	if (watch->names < 0)
		lose(watch, errno);
	if (!atomic_load(&watch->lost)) {
		watch->threaded = pthread_create(&watch->thread, NULL, keep_reading, watch) == 0;
		if (!watch->threaded)
			lose(watch, EAGAIN);
	}
	return 0;
}

void watch_folder(struct watch *watch, int folder)
{
	uint64_t mask = watch->maps_unheard ? NAMES_MASK & ~OVERLAY_MASK : NAMES_MASK;

	if (!atomic_load(&watch->lost) && fanotify_mark(watch->names, FAN_MARK_ADD, mask, folder, NULL) < 0)
		lose(watch, errno);
}

void watch_file(struct watch *watch, int folder, const char *name)
{
	uint64_t mask = watch->maps_unheard ? FAN_ATTRIB : FAN_ATTRIB | FAN_MODIFY;

	if (atomic_load(&watch->lost) ||
	    fanotify_mark(watch->names, FAN_MARK_ADD | FAN_MARK_DONT_FOLLOW | FAN_MARK_EVICTABLE, mask, folder, name) ==
		    0)
		return;
	/* A folder that is watched already, or nothing of that name any more. */
	if (errno != EEXIST && errno != ENOENT && errno != ESTALE)
		lose(watch, errno);
}

int watch_take(struct watch *watch, struct moves *moves, struct error *err)
{
	int result;

	pthread_mutex_lock(&watch->lock);
	result = atomic_load(&watch->lost) ? 0 : read_all(watch, err);
	*moves = watch->moves;
	watch->moves = (struct moves){ 0 };
	pthread_mutex_unlock(&watch->lock);
	return result;
}

static int settle(struct watch *watch, struct moves *moves, watch_each_stray each, void *context, struct error *err)
{
	for (size_t i = 0; i < watch->stray_count; i++) {
		struct stat status;
		int found = find_file(watch, watch->strays[i].file, moves, err);

		if (found < 0)
			return -1;
		if (found == 0 && fstat(watch->strays[i].file, &status) == 0 && each(&status, context, err) < 0)
			return -1;
	}
	return 0;
}

int watch_settle(struct watch *watch, struct moves *moves, watch_each_stray each, void *context, struct error *err)
{
	int result;

	pthread_mutex_lock(&watch->lock);
	result = settle(watch, moves, each, context, err);
	pthread_mutex_unlock(&watch->lock);
	return result;
}

int watch_end(struct watch *watch)
{
	uint64_t one = 1;

	if (watch->threaded && write(watch->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(watch->thread, NULL);
	for (size_t i = 0; i < watch->stray_count; i++)
		close(watch->strays[i].file);
	free(watch->strays);
	moves_release(&watch->moves);
	if (watch->overlay >= 0)
		close(watch->overlay);
	if (watch->wake >= 0)
		close(watch->wake);
	pthread_mutex_destroy(&watch->lock);
	return watch->names;
}
