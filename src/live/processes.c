#include "live/processes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

int processes_add(struct processes *processes, uint32_t pid, struct error *err)
{
	if (processes->count == processes->capacity) {
		size_t capacity = processes->capacity ? 2 * processes->capacity : 64;
		uint32_t *pids = reallocarray(processes->pids, capacity, sizeof(*pids));

		if (!pids)
			return error_memory(err);
		processes->pids = pids;
		processes->capacity = capacity;
	}
	processes->pids[processes->count++] = pid;
	return 0;
}

void processes_release(struct processes *processes)
{
	free(processes->pids);
	*processes = (struct processes){ 0 };
}

/*
 * What went away meanwhile has nothing to be looked at. What is there and was not shown, for want of memory, of descriptors or
 * of a right, must not count as nothing: no time of a file tells of stores through a mapping.
 */
static int is_nothing(const char *what, struct error *err)
{
	static const int hidden[] = { ENOMEM, EMFILE, ENFILE, EACCES, EPERM };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (errno == hidden[i])
			return error_errno(err, ERROR_FAILED, errno, "%s of its processes cannot be looked at", what);
	return 0;
}

static int add_group(struct processes *processes, int dir, struct error *err)
{
	cleanup_fd int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	cleanup_file FILE *file = fd >= 0 ? fdopen(fd, "re") : NULL;
	uint32_t pid;

	if (!file)
		return is_nothing("the list", err);
	fd = -1;
	while (fscanf(file, "%u", &pid) == 1)
		if (pid > 0 && processes_add(processes, pid, err) < 0)
			return -1;
	return 0;
}

/* Groups are nested a few levels deep; the kernel's own limit is much lower than our stack's. */
static int add_groups(struct processes *processes, int dir_fd, unsigned depth, struct error *err)
{
	cleanup_dir DIR *dir = fdopendir(dir_fd);
	struct dirent *entry;

	if (!dir) {
		close(dir_fd);
		return is_nothing("the list", err);
	}
	if (depth > 64)
		return error_set(err, ERROR_REFUSED, "its control groups are nested too deep");
	if (add_group(processes, dir_fd, err) < 0)
		return -1;
	while ((entry = readdir(dir))) {
		int child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = openat(dir_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if ((child < 0 ? is_nothing("the list", err) : add_groups(processes, child, depth + 1, err)) < 0)
			return -1;
	}
	return 0;
}

int processes_in(struct processes *processes, const char *folder, struct error *err)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the control group '%s'", folder);
	return add_groups(processes, dir, 0, err);
}

/* PID namespaces are nested at most so deep (pid_namespaces(7)). */
#define NESTING_MAX 33

static ino_t inode_of(int fd)
{
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 ? status.st_ino : 0;
}

static int open_namespace(const char *pid)
{
	cleanup_free char *path = text_format("/proc/%s/ns/pid", pid);

	return path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* Whether a process is in the namespace or in one below it: containers in the workspace are of it as well. */
static bool is_within(const char *pid, ino_t namespace)
{
	cleanup_fd int fd = open_namespace(pid);

	for (int depth = 0; depth < NESTING_MAX && fd >= 0; depth++) {
		int parent;

		if (inode_of(fd) == namespace)
			return true;
		parent = ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
	}
	return false;
}

int processes_of(struct processes *processes, uint32_t pid, struct error *err)
{
	cleanup_free char *name = text_format("%u", pid);
	cleanup_fd int theirs = name ? open_namespace(name) : -1;
	cleanup_fd int ours = open_namespace("self");
	cleanup_dir DIR *proc = NULL;
	struct dirent *entry;

	if (!name)
		return error_memory(err);
	if (processes_add(processes, pid, err) < 0)
		return -1;
	if (theirs >= 0 && inode_of(theirs) != inode_of(ours))
		proc = opendir("/proc");
	while (proc && (entry = readdir(proc)))
		if (text_is_digits(entry->d_name) && is_within(entry->d_name, inode_of(theirs)) &&
		    processes_add(processes, (uint32_t)strtoul(entry->d_name, NULL, 10), err) < 0)
			return -1;
	return 0;
}

struct look {
	int dir;       /* /proc/PID */
	unsigned ways; /* PROCESSES_AIO, PROCESSES_RING */
	processes_each_file each;
	void *context;
};

static const char ring_name[] = "anon_inode:[io_uring]";

/* What has no kind is none of a filesystem's (fs/anon_inodes.c). */
static bool is_ring(int dir, const char *link, const struct stat *status)
{
	char name[sizeof(ring_name)];
	ssize_t length = (status->st_mode & S_IFMT) == 0 ? readlinkat(dir, link, name, sizeof(name)) : -1;

	return length == sizeof(ring_name) - 1 && memcmp(name, ring_name, sizeof(ring_name) - 1) == 0;
}

/* Files that are no regular ones, or have no name at all any more, do not count. */
static int tell(struct look *look, int dir, const char *link, bool mapped, bool direct, struct error *err)
{
	struct open_file file = { .link_dir = dir, .link = link, .mapped = mapped, .direct = direct };

	if (fstatat(dir, link, &file.status, 0) < 0)
		return is_nothing("a file", err);
	if (is_ring(dir, link, &file.status))
		look->ways |= PROCESSES_RING;
	if (!S_ISREG(file.status.st_mode) || file.status.st_nlink == 0)
		return 0;
	return look->each(&file, look->context, err);
}

/* "7f01-7f02 rw-s 00000000 00:2f 1234   /path": only what is shared and has a file. */
static int look_at_map(struct look *look, int links, const char *line, struct error *err)
{
	unsigned long start, end;
	char rights[5], link[64];
	int name = 0;

	if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &start, &end, rights, &name) < 3 || name == 0)
		return 0;
	if (text_starts_with(line + name, "/[aio]"))
		look->ways |= PROCESSES_AIO;
	if (text_starts_with(line + name, ring_name))
		look->ways |= PROCESSES_RING;
	if (rights[3] != 's' || line[name] != '/')
		return 0;
	snprintf(link, sizeof(link), "%lx-%lx", start, end);
	return tell(look, links, link, true, false, err);
}

/* 1; 0 it has none: then it has ended, or its first thread has. */
static int look_at_maps(struct look *look, int dir, struct error *err)
{
	cleanup_fd int fd = openat(dir, "maps", O_RDONLY | O_CLOEXEC);
	cleanup_fd int links = openat(dir, "map_files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_file FILE *file = fd >= 0 ? fdopen(fd, "re") : NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;
	int any = 0;

	if (file)
		fd = -1;
	if (!file || links < 0)
		return is_nothing("a mapping", err);
	for (; getline(&line, &size, file) > 0; any = 1)
		if (look_at_map(look, links, line, err) < 0)
			return -1;
	return ferror(file) && is_nothing("a mapping", err) < 0 ? -1 : any;
}

/* Threads share their mappings, and where the first one has ended, only the others show them; in /proc by their own numbers. */
static int look_at_maps_of_threads(struct look *look, struct error *err)
{
	int tasks = openat(look->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = tasks >= 0 ? fdopendir(tasks) : NULL;
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return is_nothing("a thread", err);
	while (found == 0 && (entry = readdir(dir))) {
		cleanup_free char *path = text_format("/proc/%s", entry->d_name);
		cleanup_fd int thread = -1;

		if (!path)
			return error_memory(err);
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		thread = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		found = thread < 0 ? is_nothing("a thread", err) : look_at_maps(look, thread, err);
	}
	return found;
}

static bool is_direct(int infos, const char *name)
{
	char text[256] = "";
	cleanup_fd int fd = openat(infos, name, O_RDONLY | O_CLOEXEC);
	const char *flags;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return true;
	flags = strstr(text, "flags:");
	return !flags || strtoul(flags + strcspn(flags, "0123456789"), NULL, 8) & O_DIRECT;
}

/* The link's own mode says what the descriptor was opened for. */
static int look_at_descriptor(struct look *look, int links, int infos, const char *name, struct error *err)
{
	struct stat link;

	if (!isdigit((unsigned char)*name))
		return 0;
	if (fstatat(links, name, &link, AT_SYMLINK_NOFOLLOW) < 0)
		return is_nothing("a descriptor", err);
	if (!(link.st_mode & S_IWUSR))
		return 0;
	return tell(look, links, name, false, look->ways & PROCESSES_AIO || is_direct(infos, name), err);
}

static int look_at_descriptors(struct look *look, int process, struct error *err)
{
	cleanup_fd int infos = openat(process, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int links = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = links >= 0 ? fdopendir(links) : NULL;
	struct dirent *entry;

	if (!dir)
		return is_nothing("a descriptor", err);
	while ((entry = readdir(dir)))
		if (look_at_descriptor(look, links, infos, entry->d_name, err) < 0)
			return -1;
	return 0;
}

/* Threads share their descriptors, but for those that have asked for a table of their own (unshare(2)). */
static bool has_own_table(uint32_t pid, const char *thread)
{
	pid_t tid = atoi(thread);

	return tid == (pid_t)pid || syscall(SYS_kcmp, (pid_t)pid, tid, KCMP_FILES, 0, 0) != 0;
}

static int look_at_threads(struct look *look, uint32_t pid, struct error *err)
{
	int tasks = openat(look->dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = tasks >= 0 ? fdopendir(tasks) : NULL;
	struct dirent *entry;

	if (!dir)
		return is_nothing("a thread", err);
	while ((entry = readdir(dir))) {
		cleanup_fd int thread = -1;

		if (!isdigit((unsigned char)entry->d_name[0]) || !has_own_table(pid, entry->d_name))
			continue;
		thread = openat(tasks, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if ((thread < 0 ? is_nothing("a thread", err) : look_at_descriptors(look, thread, err)) < 0)
			return -1;
	}
	return 0;
}

int processes_files(uint32_t pid, bool descriptors, processes_each_file each, void *context, struct error *err)
{
	cleanup_free char *path = text_format("/proc/%u", pid);
	cleanup_fd int dir = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct look look = { .dir = dir, .each = each, .context = context };
	int found;

	if (!path)
		return error_memory(err);
	if (dir < 0)
		return is_nothing("a process", err);
	found = look_at_maps(&look, dir, err);
	if (found == 0)
		found = look_at_maps_of_threads(&look, err);
	if (found < 0 || (descriptors && look_at_threads(&look, pid, err) < 0))
		return -1;
	return (int)look.ways;
}
