#include "live/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PIECE ((size_t)1 << 17)
#define BLOCK ((size_t)4096)

/* From this size on all cores look for what differs. */
#define BIG ((off_t)4 << 20)
#define PARTS_MAX 8

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
			errno = ESTALE;
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

/* One part of the file, which a thread may look at by itself. */
struct part {
	int from, to;
	off_t begin, end;
	uint64_t bytes; /* written */
	int result, number;
	pthread_t thread;
};

static int patch_part(struct part *part, char *pieces)
{
	off_t done = part->begin;

	while (done < part->end) {
		off_t start = lseek(part->from, done, SEEK_DATA), end;

		if (start < 0 && errno != ENXIO)
			return -1;
		start = start < 0 || start > part->end ? part->end : start;
		if (punch(part->to, done, start) < 0)
			return -1;
		if (start == part->end)
			return 0;
		end = lseek(part->from, start, SEEK_HOLE);
		if (end < 0)
			return -1;
		end = end > part->end ? part->end : end;
		if (patch_data(part->from, part->to, start, end, pieces, &part->bytes) < 0)
			return -1;
		done = end;
	}
	return 0;
}

static void *run_part(void *argument)
{
	struct part *part = argument;
	cleanup_free char *pieces = malloc(2 * PIECE);

	errno = ENOMEM;
	part->result = pieces ? patch_part(part, pieces) : -1;
	part->number = errno;
	return NULL;
}

static int count_parts(off_t size)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (size < BIG || processors < 2)
		return 1;
	return processors > PARTS_MAX ? PARTS_MAX : (int)processors;
}

/* This thread takes the last part, and every part for which no thread can be had. */
static int patch_parts(struct part *parts, int count)
{
	int result = 0;

	for (int i = 0; i + 1 < count; i++)
		if (pthread_create(&parts[i].thread, NULL, run_part, &parts[i]) != 0) {
			run_part(&parts[i]);
			parts[i].thread = 0;
		}
	run_part(&parts[count - 1]);
	for (int i = 0; i < count; i++) {
		if (i + 1 < count && parts[i].thread)
			pthread_join(parts[i].thread, NULL);
		if (parts[i].result < 0) {
			errno = parts[i].number;
			result = -1;
		}
	}
	return result;
}

int patch_content(int from, int to, off_t size, bool clone, uint64_t *bytes)
{
	struct part parts[PARTS_MAX] = { 0 };
	int count = count_parts(size);
	off_t each = (size / count + (off_t)PIECE) & ~((off_t)PIECE - 1);

	if (clone && ioctl(to, FICLONE, from) == 0)
		return ftruncate(to, size);
	if (ftruncate(to, size) < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		off_t begin = i * each < size ? i * each : size, end = begin + each < size ? begin + each : size;

		parts[i] = (struct part){ .from = from, .to = to, .begin = begin, .end = i + 1 < count ? end : size };
	}
	if (patch_parts(parts, count) < 0)
		return -1;
	for (int i = 0; i < count; i++)
		*bytes += parts[i].bytes;
	return 0;
}
