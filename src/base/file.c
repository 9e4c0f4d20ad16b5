#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Of what the user wants written: for everybody who may look at it, as monitors do. */
#define OUTPUT_MODE 0644

static int read_all(int fd, const char *path, size_t limit, struct text *text, struct error *err)
{
	char chunk[16384];
	ssize_t got;

	text->limit = limit;
	text_append(text, "", 0);
	for (;;) {
		got = read(fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be read", path);
		if (got == 0)
			return 0;
		text_append(text, chunk, (size_t)got);
		if (text->failed)
			return error_set(err, ERROR_FAILED, "'%s' is longer than %zu bytes", path, limit);
	}
}

/* For root, whether somebody else may write to the file. In root's own group are those alone whom root put there. */
static bool is_writable_by_others(const struct stat *st)
{
	return geteuid() == 0 && (st->st_uid != 0 || ((st->st_mode & S_IWGRP) && st->st_gid != 0));
}

static int read_with_flags(int dir, const char *path, int flags, bool trusted, size_t limit, struct text *text,
			   struct error *err)
{
	cleanup_fd int fd = -1;
	struct stat st;

	/* O_NONBLOCK: opening a FIFO somebody put there must not hang. */
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be opened", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_FAILED, "'%s' is not a regular file", path);
	if (trusted && (st.st_mode & S_IWOTH))
		return error_set(err, ERROR_FAILED, "'%s' may be written by everybody", path);
	if (trusted && is_writable_by_others(&st))
		return error_set(err, ERROR_FAILED, "'%s' may be written by others than root", path);
	return read_all(fd, path, limit, text, err);
}

int file_read(int dir, const char *path, size_t limit, struct text *text, struct error *err)
{
	return read_with_flags(dir, path, O_NOFOLLOW, false, limit, text, err);
}

int file_read_linked(int dir, const char *path, size_t limit, struct text *text, struct error *err)
{
	return read_with_flags(dir, path, 0, false, limit, text, err);
}

int file_read_trusted(int dir, const char *path, size_t limit, struct text *text, struct error *err)
{
	return read_with_flags(dir, path, 0, true, limit, text, err);
}

int file_write_all(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t put = write(fd, at, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		at += put;
		length -= (size_t)put;
	}
	return 0;
}

static int write_temporary(int dir, const char *name, mode_t mode, const void *bytes, size_t length)
{
	cleanup_fd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0 || file_write_all(fd, bytes, length) < 0 || fsync(fd) < 0)
		return -1;
	return 0;
}

int file_replace(int dir, const char *name, mode_t mode, const void *bytes, size_t length, struct error *err)
{
	cleanup_free char *temporary = text_format("%s" FILE_REPLACE_SUFFIX, name);

	if (!temporary)
		return error_memory(err);
	if (write_temporary(dir, temporary, mode, bytes, length) < 0 || renameat(dir, temporary, dir, name) < 0) {
		error_errno(err, ERROR_FAILED, errno, "'%s' cannot be written", name);
		unlinkat(dir, temporary, 0);
		return -1;
	}
	if (fsync(dir) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the folder of '%s' cannot be synced", name);
	return 0;
}

static int replace_output(const char *path, const void *bytes, size_t length, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	cleanup_free char *folder = slash ? strndup(path, (size_t)(slash - path + 1)) : strdup(".");
	cleanup_fd int dir = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!folder)
		return error_memory(err);
	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be written", path);
	if (file_replace(dir, name, OUTPUT_MODE, bytes, length, err) < 0)
		return error_wrap(err, "in the folder '%s'", folder);
	return 0;
}

/* A file in the place of a device or a pipe would be one that nobody reads, and of /dev/null the end of the host. */
static int write_through(const char *path, const void *bytes, size_t length, struct error *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be written", path);
	if (S_ISREG(st.st_mode)) {
		error_set(err, ERROR_REFUSED,
			  "'%s' is a link to a file, which could not be written whole or not at all", path);
		return error_hint(err, "name the file itself");
	}
	if (file_write_all(fd, bytes, length) < 0)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be written", path);
	return 0;
}

int file_write_output(const char *path, const void *bytes, size_t length, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return write_through(path, bytes, length, err);
	return replace_output(path, bytes, length, err);
}

int file_remove(int dir, const char *name, struct error *err)
{
	if (unlinkat(dir, name, 0) < 0 && errno != ENOENT)
		return error_errno(err, ERROR_FAILED, errno, "'%s' cannot be removed", name);
	if (fsync(dir) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the folder of '%s' cannot be synced", name);
	return 0;
}

/* mkdir(2) for every component of `path`, which is changed on the way and restored. */
static int make_parents(char *path, mode_t mode)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdir(path, mode);
		*slash = '/';
		if (made < 0 && errno != EEXIST)
			return -1;
	}
	return mkdir(path, mode) < 0 && errno != EEXIST ? -1 : 0;
}

int file_open_directory(const char *path, mode_t mode, struct error *err)
{
	cleanup_free char *copy = strdup(path);
	int fd;

	if (!copy)
		return error_memory(err);
	if (*copy == '\0')
		return error_set(err, ERROR_FAILED, "the name of a folder is empty");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT && make_parents(copy, mode) == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		/* A folder that is not on the disk itself could not keep what is made durable in it. */
		if (fd >= 0)
			syncfs(fd);
	}
	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be opened", path);
	return fd;
}
