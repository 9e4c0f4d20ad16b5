#include "layer/content.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/meter.h"
#include "layer/write_behind.h"

#define CHUNK 65536

/* Copied by one call, so that whoever watches sees it go on. */
#define PIECE WRITE_BEHIND_WINDOW

static int unnamed_file(int dir)
{
	return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

bool content_can_clone(int dir)
{
	cleanup_fd int from = unnamed_file(dir);
	cleanup_fd int to = unnamed_file(dir);

	return from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0;
}

static int copy_by_hand(int from, int to, off_t offset, off_t end)
{
	char chunk[CHUNK];

	if (lseek(to, offset, SEEK_SET) < 0)
		return -1;
	while (offset < end) {
		size_t want = end - offset < CHUNK ? (size_t)(end - offset) : CHUNK;
		ssize_t got = pread(from, chunk, want, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got < 0 ? errno : ESTALE; /* shorter than its size said */
			return -1;
		}
		if (file_write_all(to, chunk, (size_t)got) < 0)
			return -1;
		offset += got;
	}
	return 0;
}

static int copy_range(int from, int to, off_t offset, off_t end, struct write_behind *behind)
{
	off_t to_offset = offset;

	while (offset < end) {
		size_t size = end - offset < PIECE ? (size_t)(end - offset) : (size_t)PIECE;
		ssize_t got = copy_file_range(from, &offset, to, &to_offset, size, 0);

		if (got <= 0)
			return copy_by_hand(from, to, offset, end);
		meter_add(0, (uint64_t)got);
		if (write_behind_reach(behind, offset) < 0)
			return -1;
	}
	return 0;
}

static int copy_data(int from, int to, off_t size, struct write_behind *behind, uint64_t *copied_bytes)
{
	off_t end = 0;

	while (end < size) {
		off_t start = lseek(from, end, SEEK_DATA);

		if (start < 0 && errno == ENXIO) /* a hole up to the end */
			return 0;
		if (start < 0 || (end = lseek(from, start, SEEK_HOLE)) < 0)
			return -1;
		end = end > size ? size : end;
		if (start < end && copy_range(from, to, start, end, behind) < 0)
			return -1;
		if (start < end)
			*copied_bytes += (uint64_t)(end - start);
	}
	return 0;
}

int content_copy(int from, int to, off_t size, unsigned how, uint64_t *copied_bytes)
{
	struct write_behind behind = { .file = -1 };

	if (size == 0 || (how & CONTENT_CLONE && ioctl(to, FICLONE, from) == 0))
		return 0;
	if (how & CONTENT_WRITE_BEHIND)
		behind = write_behind_begin(to);
	if (ftruncate(to, size) < 0 || copy_data(from, to, size, &behind, copied_bytes) < 0)
		return -1;
	write_behind_end(&behind, size);
	return 0;
}

/* From this offset on, the next one that is data in a file (SEEK_DATA), or none any more (SEEK_HOLE); where that cannot be
 * told, all is data. */
static off_t seek(int file, off_t offset, int whence, off_t size)
{
	off_t found = lseek(file, offset, whence);

	if (found < 0 && (whence == SEEK_HOLE || errno == ENXIO))
		return size;
	return found < 0 ? offset : found;
}

static off_t smaller(off_t a, off_t b)
{
	return a < b ? a : b;
}

static int equal_data(int a, int b, off_t offset, off_t end)
{
	char left[CHUNK], right[CHUNK];

	while (offset < end) {
		size_t want = end - offset < CHUNK ? (size_t)(end - offset) : CHUNK;
		ssize_t got = pread(a, left, want, offset);
		ssize_t other = pread(b, right, want, offset);

		if (got < 0 || other < 0)
			return -1;
		if (got == 0 || got != other || memcmp(left, right, (size_t)got) != 0)
			return 0;
		offset += got;
	}
	return 1;
}

/* Whether both files have so many bytes: what is a hole in both is not read. */
static int have_size(int a, int b, off_t size)
{
	struct stat one, other;

	if (fstat(a, &one) < 0 || fstat(b, &other) < 0)
		return -1;
	return one.st_size >= size && other.st_size >= size;
}

int content_equal(int a, int b, off_t size)
{
	off_t done = 0;
	int equal = have_size(a, b, size);

	while (done < size && equal > 0) {
		off_t start = smaller(seek(a, done, SEEK_DATA, size), seek(b, done, SEEK_DATA, size));
		off_t end = smaller(seek(a, start, SEEK_HOLE, size), seek(b, start, SEEK_HOLE, size));

		/* What is a hole in one of them alone is data in the other, and is read in both. */
		if (end <= start)
			end = start + CHUNK;
		equal = equal_data(a, b, start, smaller(end, size));
		done = end;
	}
	return equal;
}
