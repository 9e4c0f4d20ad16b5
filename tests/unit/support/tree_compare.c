#include "support/tree_compare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "support/filesystems.h"

#define XATTR_LIMIT 65536
#define GROUPS_LIMIT 65536

/* The first entry of each inode with several names, by number of the entry. */
struct group {
	ino_t inode;
	unsigned long first;
};

struct comparison {
	struct text *difference;
	bool loosely;
	char path[2 * PATH_MAX];
	struct group *groups[2];
	size_t group_count[2];
};

static _Thread_local unsigned long compared;

static bool differ(struct comparison *comparison, const char *what)
{
	text_printf(comparison->difference, "'%s': %s", comparison->path, what);
	return false;
}

static bool same_values(struct comparison *comparison, const char *a, const char *b, const char *attribute)
{
	static char left[XATTR_LIMIT], right[XATTR_LIMIT];
	ssize_t length = lgetxattr(a, attribute, left, sizeof(left));
	ssize_t other = lgetxattr(b, attribute, right, sizeof(right));

	if (length >= 0 && length == other && memcmp(left, right, (size_t)length) == 0)
		return true;
	text_printf(comparison->difference, "%s: ", attribute);
	return differ(comparison, "the extended attributes differ");
}

static size_t count_names(const char *list, ssize_t length)
{
	size_t count = 0;

	for (ssize_t i = 0; i < length; i++)
		count += list[i] == '\0';
	return count;
}

static bool same_xattrs(struct comparison *comparison, int a, int b, const char *name)
{
	static char left[XATTR_LIMIT], right[XATTR_LIMIT];
	char a_path[PATH_MAX], b_path[PATH_MAX];
	ssize_t length, other;

	snprintf(a_path, sizeof(a_path), "/proc/self/fd/%d/%s", a, name);
	snprintf(b_path, sizeof(b_path), "/proc/self/fd/%d/%s", b, name);
	length = llistxattr(a_path, left, sizeof(left));
	other = llistxattr(b_path, right, sizeof(right));
	if (length < 0 || other < 0 || count_names(left, length) != count_names(right, other))
		return differ(comparison, "the number of extended attributes differs");
	for (const char *next = left; next < left + length; next += strlen(next) + 1)
		if (!same_values(comparison, a_path, b_path, next))
			return false;
	return true;
}

static bool same_content(struct comparison *comparison, int a, int b, const char *name)
{
	cleanup_fd int left = openat(a, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	cleanup_fd int right = openat(b, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	static char x[XATTR_LIMIT], y[XATTR_LIMIT];

	if (left < 0 || right < 0)
		return differ(comparison, "cannot be opened");
	for (;;) {
		ssize_t got = read(left, x, sizeof(x));
		ssize_t other = read(right, y, sizeof(y));

		if (got < 0 || got != other || memcmp(x, y, (size_t)got) != 0)
			return differ(comparison, "the content differs");
		if (got == 0)
			return true;
	}
}

static bool same_links(struct comparison *comparison, int a, int b, const char *name)
{
	char left[PATH_MAX], right[PATH_MAX];
	ssize_t length = readlinkat(a, name, left, sizeof(left));
	ssize_t other = readlinkat(b, name, right, sizeof(right));

	if (length < 0 || length != other || memcmp(left, right, (size_t)length) != 0)
		return differ(comparison, "the link's target differs");
	return true;
}

static unsigned long first_of(struct comparison *comparison, int side, ino_t inode)
{
	struct group *groups = comparison->groups[side];

	for (size_t i = 0; i < comparison->group_count[side]; i++)
		if (groups[i].inode == inode)
			return groups[i].first;
	if (comparison->group_count[side] < GROUPS_LIMIT)
		groups[comparison->group_count[side]++] = (struct group){ inode, compared };
	return compared;
}

static bool same_status(struct comparison *comparison, const struct stat *a, const struct stat *b)
{
	if (a->st_mode != b->st_mode)
		return differ(comparison, "type or mode differs");
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		return differ(comparison, "the owner differs");
	if (S_ISDIR(a->st_mode) && comparison->loosely)
		return true;
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec || a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		return differ(comparison, "the modification time differs");
	if (S_ISDIR(a->st_mode))
		return true;
	if (a->st_size != b->st_size)
		return differ(comparison, "the size differs");
	if (a->st_rdev != b->st_rdev)
		return differ(comparison, "the device number differs");
	/* What can have no user.* attributes (xattr(7)) is not known again as one inode by overlayfs. */
	if (!S_ISREG(a->st_mode) && overlay_uses_userxattr())
		return true;
	if (!comparison->loosely && (a->st_nlink > 1 || b->st_nlink > 1) &&
	    first_of(comparison, 0, a->st_ino) != first_of(comparison, 1, b->st_ino))
		return differ(comparison, "the group of hard links differs");
	return true;
}

static bool same_directories(struct comparison *comparison, int a, int b);

static bool same_entry(struct comparison *comparison, int a, int b, const char *name)
{
	struct stat left, right;

	compared++;
	if (fstatat(a, name, &left, AT_SYMLINK_NOFOLLOW) < 0 || fstatat(b, name, &right, AT_SYMLINK_NOFOLLOW) < 0)
		return differ(comparison, "is listed but not there");
	if (!same_status(comparison, &left, &right) || !same_xattrs(comparison, a, b, name))
		return false;
	if (S_ISREG(left.st_mode))
		return same_content(comparison, a, b, name);
	if (S_ISLNK(left.st_mode))
		return same_links(comparison, a, b, name);
	if (S_ISDIR(left.st_mode) && strcmp(name, ".") != 0) {
		cleanup_fd int x = openat(a, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		cleanup_fd int y = openat(b, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		return same_directories(comparison, x, y);
	}
	return true;
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool same_names(struct comparison *comparison, struct dirent **a, int count, struct dirent **b, int other)
{
	for (int i = 0; i < count && i < other; i++)
		if (strcmp(a[i]->d_name, b[i]->d_name) != 0) {
			text_printf(comparison->difference, "'%s' or '%s' ", a[i]->d_name, b[i]->d_name);
			return differ(comparison, "is missing on one side");
		}
	if (count != other) {
		text_printf(comparison->difference, "'%s' ", count > other ? a[other]->d_name : b[count]->d_name);
		return differ(comparison, "is missing on one side");
	}
	return true;
}

static bool same_children(struct comparison *comparison, int a, int b, struct dirent **entries, int count)
{
	size_t length = strlen(comparison->path);
	bool same = true;

	for (int i = 0; same && i < count; i++) {
		snprintf(comparison->path + length, sizeof(comparison->path) - length, "/%s", entries[i]->d_name);
		same = same_entry(comparison, a, b, entries[i]->d_name);
		comparison->path[length] = '\0';
	}
	return same;
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}

static bool same_directories(struct comparison *comparison, int a, int b)
{
	struct dirent **left = NULL, **right = NULL;
	int count = scandirat(a, ".", &left, not_dots, by_bytes);
	int other = scandirat(b, ".", &right, not_dots, by_bytes);
	bool same;

	if (count < 0 || other < 0)
		same = differ(comparison, "cannot be listed");
	else
		same = same_names(comparison, left, count, right, other) &&
		       same_children(comparison, a, b, left, count);
	free_entries(left, count);
	free_entries(right, other);
	return same;
}

bool trees_equal(const char *a, const char *b, bool loosely, struct text *difference)
{
	cleanup_fd int left = open(a, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int right = open(b, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct comparison comparison = { .difference = difference, .loosely = loosely, .path = "." };
	bool same;

	compared = 0;
	for (int side = 0; side < 2; side++)
		comparison.groups[side] = calloc(GROUPS_LIMIT, sizeof(struct group));
	same = same_entry(&comparison, left, right, ".") && same_directories(&comparison, left, right);
	for (int side = 0; side < 2; side++)
		free(comparison.groups[side]);
	return same;
}

unsigned long trees_compared(void)
{
	return compared;
}
