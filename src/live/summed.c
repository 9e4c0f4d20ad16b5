#include "live/summed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/* Each word goes in by a step that can be undone, so that no change of a single one is lost. */
static uint64_t add_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 29;
}

/* A block is full but for the last one, which is filled up with zeros. */
static void add_block(struct summed *file)
{
	memset(file->block + file->used, 0, -file->used % sizeof(uint64_t));
	for (size_t at = 0; at < file->used; at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, file->block + at, sizeof(word));
		file->sum = add_word(file->sum, word);
	}
}

void summed_close(struct summed *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

int summed_create(struct summed *file, const char *path)
{
	file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	file->sum = 0;
	file->used = 0;
	file->failure = 0;
	return file->fd < 0 ? -1 : 0;
}

static void write_block(struct summed *file)
{
	add_block(file);
	if (!file->failure && file_write_all(file->fd, file->block, file->used) < 0)
		file->failure = errno;
	file->used = 0;
}

void summed_put(struct summed *file, const void *bytes, size_t size)
{
	const unsigned char *next = bytes;

	while (size > 0) {
		size_t room = SUMMED_BLOCK - file->used, part = size < room ? size : room;

		memcpy(file->block + file->used, next, part);
		file->used += part;
		next += part;
		size -= part;
		if (file->used == SUMMED_BLOCK)
			write_block(file);
	}
}

int summed_finish(struct summed *file)
{
	write_block(file);
	errno = file->failure;
	return file->failure || file_write_all(file->fd, &file->sum, sizeof(file->sum)) < 0 ? -1 : 0;
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

int summed_open(struct summed *file, const char *path)
{
	struct stat status;

	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	file->sum = 0;
	file->used = file->at = 0;
	if (file->fd < 0 || fstat(file->fd, &status) < 0)
		return -1;
	file->left = status.st_size - (off_t)sizeof(file->sum);
	file->failure = S_ISREG(status.st_mode) && file->left >= 0 ? 0 : EINVAL;
	return 0;
}

/* As many as there are wanted, or false. */
static bool read_all(int fd, void *bytes, size_t size)
{
	unsigned char *next = bytes;

	while (size > 0) {
		ssize_t got = read(fd, next, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		next += got;
		size -= (size_t)got;
	}
	return true;
}

static void read_block(struct summed *file)
{
	file->used = file->left < SUMMED_BLOCK ? (size_t)file->left : SUMMED_BLOCK;
	file->at = 0;
	file->left -= (off_t)file->used;
	if (file->used == 0 || !read_all(file->fd, file->block, file->used))
		file->failure = EIO;
	else
		add_block(file);
}

void summed_get(struct summed *file, void *bytes, size_t size)
{
	unsigned char *next = bytes;

	while (size > 0 && !file->failure) {
		size_t there = file->used - file->at, part = size < there ? size : there;

		memcpy(next, file->block + file->at, part);
		file->at += part;
		next += part;
		size -= part;
		if (size > 0)
			read_block(file);
	}
	memset(next, 0, size);
}

bool summed_is_whole(struct summed *file)
{
	uint64_t sum;

	return !file->failure && file->at == file->used && file->left == 0 && read_all(file->fd, &sum, sizeof(sum)) &&
	       sum == file->sum;
}
