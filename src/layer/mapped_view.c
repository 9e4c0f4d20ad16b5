#include "layer/mapped_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

struct mapped_view {
	int tree;
	char path[32];
};

/* A process that does nothing but be in a user namespace of its own, until `line` is closed. */
struct holder {
	pid_t pid;
	int line;
};

static void keep_namespace(int line)
{
	char ready = unshare(CLONE_NEWUSER) < 0 ? (char)errno : 0;

	if (write(line, &ready, 1) == 1)
		(void)!read(line, &ready, 1);
	_exit(0);
}

/*
 * Only what may be called between fork and exec in a process with threads (fork(2)). It keeps nothing else open: another
 * thread's line would never end, and the locks of a wsnap that was killed would stay.
 */
static void hold(int line)
{
	if (line > 0)
		close_range(0, (unsigned)line - 1, 0);
	close_range((unsigned)line + 1, ~0U, 0);
	keep_namespace(line);
}

static void holder_end(struct holder *holder)
{
	if (holder->line >= 0)
		close(holder->line);
	if (holder->pid > 0)
		while (waitpid(holder->pid, NULL, 0) < 0 && errno == EINTR)
			;
}

#define cleanup_holder __attribute__((cleanup(holder_end)))

/* -1 with errno. */
static int holder_begin(struct holder *holder)
{
	int line[2];
	char failed = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
		return -1;
	holder->line = line[0];
	holder->pid = fork();
	if (holder->pid == 0)
		hold(line[1]);
	close(line[1]);
	if (holder->pid < 0)
		return -1;
	errno = EIO;
	if (read(holder->line, &failed, 1) != 1)
		return -1;
	errno = failed;
	return failed ? -1 : 0;
}

/* In one write, as the kernel wants it. -1 with errno. */
static int write_map(pid_t pid, const char *name, const struct id_map *map, enum id_way way)
{
	cleanup_text struct text lines = { 0 };
	cleanup_fd int file = -1;
	char path[64];

	id_map_lines(map, way, &lines);
	errno = ENOMEM;
	if (lines.failed)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -1;
	return write(file, lines.data, lines.length) == (ssize_t)lines.length ? 0 : -1;
}

/* A user namespace with these maps. -1 with errno. */
static int open_namespace(const struct id_maps *maps, enum id_way way)
{
	cleanup_holder struct holder holder = { .pid = -1, .line = -1 };
	char path[64];

	if (holder_begin(&holder) < 0 || write_map(holder.pid, "uid_map", &maps->users, way) < 0 ||
	    write_map(holder.pid, "gid_map", &maps->groups, way) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)holder.pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* -1 with errno. */
static int open_mapped(const char *folder, const struct id_maps *maps, enum id_way way)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_IDMAP,
	};
	cleanup_fd int tree = open_tree(AT_FDCWD, folder, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	cleanup_fd int space = tree < 0 ? -1 : open_namespace(maps, way);

	if (space < 0)
		return -1;
	attributes.userns_fd = (uint64_t)space;
	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return -1;
	return steal_fd(&tree);
}

/* What a kernel or a filesystem says that cannot do it, or is told not to (mount_setattr(2), user_namespaces(7)); anything else
 * may be over a moment later. */
static bool is_impossible(int number)
{
	static const int numbers[] = { EINVAL, EPERM, ENOSYS, EOPNOTSUPP, EUSERS };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (number == numbers[i])
			return true;
	return false;
}

int mapped_view_mount(const char *folder, const struct id_maps *maps, enum id_way way, struct error *err)
{
	int tree = open_mapped(folder, maps, way), number = errno;

	if (tree >= 0)
		return tree;
	error_errno(err, is_impossible(number) ? ERROR_REFUSED : ERROR_FAILED, number,
		    "'%s' cannot be read with the ids of its container", folder);
	/* (user_namespaces(7)) */
	return number == ENOSPC ? error_hint(err, "the host may have as many user namespaces as it is allowed to: see "
						  "/proc/sys/user/max_user_namespaces")
				: -1;
}

struct mapped_view *mapped_view_open(const char *folder, const struct id_maps *maps, struct error *err)
{
	cleanup_free struct mapped_view *view = malloc(sizeof(*view));

	if (!view) {
		error_memory(err);
		return NULL;
	}
	view->tree = mapped_view_mount(folder, maps, ID_WAY_IN, err);
	if (view->tree < 0)
		return NULL;
	snprintf(view->path, sizeof(view->path), "/proc/self/fd/%d/.", view->tree);
	return steal_pointer(view);
}

const char *mapped_view_path(const struct mapped_view *view)
{
	return view->path;
}

void mapped_view_close(struct mapped_view *view)
{
	if (!view)
		return;
	close(view->tree);
	free(view);
}
