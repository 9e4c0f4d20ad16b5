#include "live/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PIECE ((size_t)1 << 17)
#define BLOCK ((size_t)4096)

/* As many as there are; fewer only at the end. */
static ssize_t read_whole(int file, char *bytes, size_t size, off_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(file, bytes + done, size - done, offset + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

static int write_whole(int file, const char *bytes, size_t size, off_t offset)
{
	while (size > 0) {
		ssize_t put = pwrite(file, bytes, size, offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		bytes += put;
		size -= (size_t)put;
		offset += put;
	}
	return 0;
}

/* Writes the blocks of `wanted` that `there`, which has `have` bytes, lacks. */
static int write_differences(int to, const char *wanted, size_t size, const char *there, size_t have, off_t offset,
			     uint64_t *bytes)
{
	for (size_t at = 0; at < size; at += BLOCK) {
		size_t length = size - at < BLOCK ? size - at : BLOCK;

		if (at + length <= have && memcmp(wanted + at, there + at, length) == 0)
			continue;
		if (write_whole(to, wanted + at, length, offset + (off_t)at) < 0)
			return -1;
		*bytes += length;
	}
	return 0;
}

static int patch_data(int from, int to, off_t offset, off_t end, char *pieces, uint64_t *bytes)
{
	while (offset < end) {
		size_t size = end - offset < (off_t)PIECE ? (size_t)(end - offset) : PIECE;
		ssize_t got = read_whole(from, pieces, size, offset);
		ssize_t have = read_whole(to, pieces + PIECE, size, offset);

		if (got < 0 || have < 0)
			return -1;
		if (got == 0) { /* it shrinks */
			errno = EIO;
			return -1;
		}
		if (write_differences(to, pieces, (size_t)got, pieces + PIECE, (size_t)have, offset, bytes) < 0)
			return -1;
		offset += got;
	}
	return 0;
}

static int punch(int to, off_t offset, off_t end)
{
	off_t data = lseek(to, offset, SEEK_DATA);

	if (offset >= end || data < 0 || data >= end)
		return data < 0 && errno != ENXIO ? -1 : 0;
	return fallocate(to, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, end - offset);
}

static int patch_pieces(int from, int to, off_t size, char *pieces, uint64_t *bytes)
{
	off_t done = 0;

	while (done < size) {
		off_t start = lseek(from, done, SEEK_DATA), end;

		if (start < 0 && errno != ENXIO)
			return -1;
		start = start < 0 || start > size ? size : start;
		if (punch(to, done, start) < 0)
			return -1;
		if (start == size)
			return 0;
		end = lseek(from, start, SEEK_HOLE);
		if (end < 0)
			return -1;
		end = end > size ? size : end;
		if (patch_data(from, to, start, end, pieces, bytes) < 0)
			return -1;
		done = end;
	}
	return 0;
}

int patch_content(int from, int to, off_t size, bool clone, uint64_t *bytes)
{
	cleanup_free char *pieces = NULL;

	if (clone && ioctl(to, FICLONE, from) == 0)
		return ftruncate(to, size);
	pieces = malloc(2 * PIECE);
	if (!pieces || ftruncate(to, size) < 0)
		return -1;
	return patch_pieces(from, to, size, pieces, bytes);
}
