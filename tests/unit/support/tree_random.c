#include "support/tree_random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"

#define DEPTH_MAX 5

uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15u;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

unsigned random_below(uint64_t *state, unsigned limit)
{
	return (unsigned)(random_next(state) % limit);
}

void random_arguments(int argc, char **argv, uint64_t *seed, unsigned *count)
{
	if (argc > 1)
		*seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		*count = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		setenv("TMPDIR", argv[3], 1);
}

static const char *random_name(uint64_t *state)
{
	static const char long_name[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123"
					"456789abcdef0123456789abcdef"
					"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123"
					"456789abcdef0123456789abcdef"
					"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
	static const char *const names[] = {
		"a",
		"b",
		"c",
		"d",
		"e",
		"f",
		"g",
		"h",
		"\xff\xfe",
		"with space",
		"new\nline",
		"-dash",
		"col:on,comma\\",
		".hidden",
		".wh.marker",
		long_name,
	};

	return names[random_below(state, sizeof(names) / sizeof(*names))];
}

/* A directory below `root` that is there, some levels down. Returns a descriptor. */
static int random_directory(int root, uint64_t *state)
{
	int dir = dup(root);

	for (unsigned depth = random_below(state, DEPTH_MAX); depth > 0; depth--) {
		int next = openat(dir, random_name(state), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			continue;
		close(dir);
		dir = next;
	}
	return dir;
}

static void write_random(int fd, size_t length, uint64_t *state)
{
	for (size_t i = 0; i < length; i += 8) {
		uint64_t value = random_next(state);

		if (write(fd, &value, length - i < 8 ? length - i : 8) < 0)
			return;
	}
}

static int make_file(int dir, const char *name, uint64_t *state)
{
	static const unsigned sizes[] = { 0, 1, 100, 5000 };
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (fd < 0)
		return -1;
	write_random(fd, sizes[random_below(state, 4)], state);
	if (random_below(state, 6) == 0) { /* holes in the middle and at the end */
		lseek(fd, 200000, SEEK_CUR);
		write_random(fd, 3000, state);
		return ftruncate(fd, 700000);
	}
	return 0;
}

static int change_file(int dir, const char *name, uint64_t *state)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	if (random_below(state, 3) == 0)
		return ftruncate(fd, random_below(state, 9000));
	lseek(fd, 0, random_below(state, 2) ? SEEK_END : SEEK_SET);
	write_random(fd, random_below(state, 600), state);
	return 0;
}

static int make_directory(int dir, const char *name, uint64_t *state)
{
	return mkdirat(dir, name, 0700 | random_below(state, 64));
}

static int make_link(int dir, const char *name, uint64_t *state)
{
	static const char *const targets[] = { "a", "../b", "/etc/passwd", "\xff", "nowhere/at/all", "." };

	return symlinkat(targets[random_below(state, 6)], dir, name);
}

static int make_special(int dir, const char *name, uint64_t *state)
{
	switch (random_below(state, 4)) {
	case 0:
		return mknodat(dir, name, S_IFIFO | 0622, 0);
	case 1:
		return mknodat(dir, name, S_IFSOCK | 0755, 0);
	case 2:
		return mknodat(dir, name, S_IFCHR | 0666, makedev(1, 3));
	default:
		return mknodat(dir, name, S_IFBLK | 0600, makedev(7, 300));
	}
}

static int remove_all(int dir, const char *name);

static void empty_directory(int dir)
{
	DIR *listing = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *entry;

	while (listing && (entry = readdir(listing)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_all(dir, entry->d_name);
	if (listing)
		closedir(listing);
}

static int remove_all(int dir, const char *name)
{
	cleanup_fd int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return unlinkat(dir, name, 0);
	empty_directory(child);
	return unlinkat(dir, name, AT_REMOVEDIR);
}

/* Access and default ACLs as the kernel stores them (linux/posix_acl_xattr.h): version 2, entries of tag,
 * permissions, id; little endian. */
static int set_acl(const char *path, bool is_default)
{
	static const unsigned char acl[] = {
		2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,   5,  0, 232, 3, 0,   0,   4,   0,
		5, 0, 255, 255, 255, 255, 16, 0, 5,   0,   255, 255, 255, 255, 32, 0, 4,   0, 255, 255, 255, 255,
	};

	return lsetxattr(path, is_default ? "system.posix_acl_default" : "system.posix_acl_access", acl, sizeof(acl),
			 0);
}

/* File capabilities, revision 2: cap_net_raw permitted and effective. */
static int set_capability(const char *path)
{
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 32 };

	return lsetxattr(path, "security.capability", capability, sizeof(capability), 0);
}

static int change_xattrs(int dir, const char *name, uint64_t *state)
{
	char path[PATH_MAX], value[300];
	size_t length = random_below(state, sizeof(value));

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir, name);
	memset(value, (int)random_below(state, 256), sizeof(value));
	switch (random_below(state, 7)) {
	case 0:
		return lsetxattr(path, "user.one", value, length, 0);
	case 1:
		return lsetxattr(path, "trusted.two", value, length, 0);
	case 2:
		return lsetxattr(path, "security.three", value, length, 0);
	case 3:
		return set_acl(path, false);
	case 4:
		return set_acl(path, true);
	case 5:
		return set_capability(path);
	default:
		return lremovexattr(path, "user.one");
	}
}

static int change_metadata(int dir, const char *name, uint64_t *state)
{
	struct timespec times[2];

	switch (random_below(state, 4)) {
	case 0:
		return fchownat(dir, name, random_below(state, 3) * 1000, random_below(state, 70000),
				AT_SYMLINK_NOFOLLOW);
	case 1: {
		struct stat status;

		if (fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(status.st_mode))
			return -1;
		return fchmodat(dir, name, random_below(state, 010000), 0);
	}
	case 2:
		for (int i = 0; i < 2; i++)
			times[i] =
				(struct timespec){ random_below(state, 2000000000), random_below(state, 1000000000) };
		return utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
	default:
		return change_xattrs(dir, name, state);
	}
}

static bool is_filled(int dir, const char *name)
{
	cleanup_fd int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *listing = child < 0 ? NULL : fdopendir(dup(child));
	struct dirent *entry;
	bool filled = false;

	while (listing && !filled && (entry = readdir(listing)))
		filled = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (listing)
		closedir(listing);
	return filled;
}

/* Never onto a folder with something in it: ext4 changes the times of the old folder when that fails, and no event tells. */
static int link_or_rename(int root, int dir, const char *name, uint64_t *state)
{
	cleanup_fd int other = random_directory(root, state);
	const char *new_name = random_name(state);

	if (random_below(state, 2))
		return linkat(dir, name, other, new_name, 0);
	return is_filled(other, new_name) ? -1 : renameat(dir, name, other, new_name);
}

static int replace(int dir, const char *name, uint64_t *state)
{
	remove_all(dir, name);
	return random_below(state, 2) ? make_directory(dir, name, state) : make_file(dir, name, state);
}

static int change_once(int root, uint64_t *state)
{
	cleanup_fd int dir = random_directory(root, state);
	const char *name = random_name(state);
	unsigned choice = random_below(state, 100);

	if (choice < 20)
		return make_file(dir, name, state);
	if (choice < 30)
		return change_file(dir, name, state);
	if (choice < 45)
		return make_directory(dir, name, state);
	if (choice < 50)
		return make_link(dir, name, state);
	if (choice < 55)
		return make_special(dir, name, state);
	if (choice < 65)
		return remove_all(dir, name);
	if (choice < 72)
		return replace(dir, name, state);
	if (choice < 84)
		return link_or_rename(root, dir, name, state);
	return change_metadata(dir, random_below(state, 20) ? name : ".", state);
}

unsigned tree_change(const char *root, unsigned count, uint64_t *state)
{
	cleanup_fd int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned made = 0;

	for (unsigned i = 0; i < count; i++)
		made += change_once(dir, state) == 0;
	return made;
}
