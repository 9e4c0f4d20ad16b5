#include "support/writers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK ((size_t)4096)
#define BLOCKS 64 /* of a file */

/* Aligned, as direct I/O wants it; other bytes each round. */
static char *block(unsigned round)
{
	static char *bytes;

	if (!bytes && posix_memalign((void **)&bytes, BLOCK, 2 * BLOCK) != 0)
		abort();
	memset(bytes, (int)(round % 251) + 1, 2 * BLOCK);
	return bytes;
}

static off_t at(unsigned round)
{
	return (off_t)(round * 7 % BLOCKS * BLOCK);
}

/* A file with BLOCKS blocks. */
static int file_of(const char *name, int flags)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0644);

	for (unsigned i = 0; fd >= 0 && i < BLOCKS; i++)
		if (pwrite(fd, block(i), BLOCK, (off_t)(i * BLOCK)) != (ssize_t)BLOCK)
			return -1;
	return fd;
}

/* Opened once. */
#define FILE_OF(name, flags)                           \
	static int fd = -1;                            \
	if (fd < 0 && (fd = file_of(name, flags)) < 0) \
	return -1

static int whole(ssize_t done, size_t wanted)
{
	if (done >= 0 && (size_t)done != wanted)
		errno = EIO;
	return done == (ssize_t)wanted ? 0 : -1;
}

static int by_pwrite(unsigned round)
{
	FILE_OF("pwrite", 0);
	return whole(pwrite(fd, block(round), BLOCK, at(round)), BLOCK);
}

static int by_pwritev2(unsigned round)
{
	struct iovec piece = { block(round), BLOCK };

	FILE_OF("pwritev2", 0);
	return whole(pwritev2(fd, &piece, 1, at(round), round % 2 ? RWF_DSYNC : 0), BLOCK);
}

static int by_append(unsigned round)
{
	static int fd = -1;
	char line[32];
	int length = snprintf(line, sizeof(line), "line %u\n", round);

	if (fd < 0 && (fd = open("append", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) < 0)
		return -1;
	if (round % 100000 == 99999 && ftruncate(fd, 0) < 0) /* it is to fit on the disk */
		return -1;
	return whole(write(fd, line, (size_t)length), (size_t)length);
}

static int by_direct(unsigned round)
{
	FILE_OF("direct", O_DIRECT);
	return whole(pwrite(fd, block(round), BLOCK, at(round)), BLOCK);
}

static int source(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/" WRITERS_SOURCE, O_RDONLY | O_CLOEXEC);
	return fd;
}

static int by_copy_file_range(unsigned round)
{
	off_t from = (off_t)(round % 60 * BLOCK), to = at(round);

	FILE_OF("copy_file_range", 0);
	return whole(copy_file_range(source(), &from, fd, &to, BLOCK, 0), BLOCK);
}

static int by_sendfile(unsigned round)
{
	off_t from = (off_t)(round % 60 * BLOCK);

	FILE_OF("sendfile", 0);
	if (lseek(fd, at(round), SEEK_SET) < 0)
		return -1;
	return whole(sendfile(fd, source(), &from, BLOCK), BLOCK);
}

static int by_splice(unsigned round)
{
	static int ends[2] = { -1, -1 };
	off_t to = at(round);

	FILE_OF("splice", 0);
	if (ends[0] < 0 && pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	if (write(ends[1], block(round), BLOCK) != (ssize_t)BLOCK)
		return -1;
	return whole(splice(ends[0], NULL, fd, &to, BLOCK, 0), BLOCK);
}

static int by_fallocate(unsigned round)
{
	FILE_OF("fallocate", 0);
	return fallocate(fd, round % 2 ? FALLOC_FL_KEEP_SIZE : 0, (off_t)((BLOCKS + round % 50) * BLOCK), BLOCK);
}

static int by_punch(unsigned round)
{
	FILE_OF("punch", 0);
	if (round % 2)
		return whole(pwrite(fd, block(round), BLOCK, at(round - 1)), BLOCK);
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at(round), BLOCK);
}

static int by_zero_range(unsigned round)
{
	FILE_OF("zero_range", 0);
	if (round % 2)
		return whole(pwrite(fd, block(round), BLOCK, at(round - 1)), BLOCK);
	return fallocate(fd, FALLOC_FL_ZERO_RANGE, at(round), BLOCK);
}

/* Not every filesystem has these. */
static int by_collapse(unsigned round)
{
	int result;

	FILE_OF("collapse", 0);
	result =
		fallocate(fd, round % 2 ? FALLOC_FL_COLLAPSE_RANGE : FALLOC_FL_INSERT_RANGE, (off_t)(4 * BLOCK), BLOCK);
	return result < 0 && errno == EOPNOTSUPP ? 0 : result;
}

static int by_truncate(unsigned round)
{
	FILE_OF("truncate", 0);
	return ftruncate(fd, (off_t)(BLOCK * BLOCKS - round * 977 % 100000));
}

static int by_open_truncating(unsigned round)
{
	int fd = open("open_truncating", O_WRONLY | O_CREAT | (round % 2 ? O_TRUNC : 0) | O_CLOEXEC, 0644);
	int result = fd < 0 ? -1 : 0;

	if (fd >= 0 && round % 2 == 0)
		result = whole(write(fd, block(round), 100), 100);
	if (fd >= 0)
		close(fd);
	return result;
}

static int by_clone(unsigned round)
{
	struct file_clone_range range = { .src_length = BLOCK, .dest_offset = (uint64_t)at(round) };
	static int from = -1;

	FILE_OF("clone", 0);
	if (from < 0 && (from = file_of("clone_source", 0)) < 0)
		return -1;
	range.src_fd = from;
	range.src_offset = (uint64_t)at(round + 3);
	return ioctl(fd, FICLONERANGE, &range);
}

static char *mapping(const char *name)
{
	int fd = file_of(name, 0);
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, BLOCK * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	return mapped == MAP_FAILED ? NULL : mapped;
}

static int by_mapping(unsigned round)
{
	static char *mapped;

	if (!mapped && !(mapped = mapping("mapping")))
		return -1;
	mapped[(size_t)at(round) + round % 100] = (char)round;
	return 0;
}

static int by_msync(unsigned round)
{
	static char *mapped;

	if (!mapped && !(mapped = mapping("msync")))
		return -1;
	mapped[at(round)] = (char)round;
	return msync(mapped + at(round), BLOCK, round % 2 ? MS_SYNC : MS_ASYNC);
}

/* --- libaio, by its system calls (io_submit(2)) --------------------------------------------------------- */

/* A freeze interrupts whoever waits. */
static int aio_wait(aio_context_t context)
{
	struct io_event event;
	long got;

	do
		got = syscall(SYS_io_getevents, context, 1, 1, &event, NULL);
	while (got < 0 && errno == EINTR);
	if (got == 1 && event.res == (int64_t)BLOCK)
		return 0;
	if (got == 1)
		errno = event.res < 0 ? (int)-event.res : EIO;
	return -1;
}

static int aio_write(int fd, unsigned round, bool wait)
{
	static aio_context_t context;
	static char *bytes;
	struct iocb request = { .aio_fildes = (uint32_t)fd, .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_nbytes = BLOCK };
	struct iocb *requests[] = { &request };

	if (!bytes && posix_memalign((void **)&bytes, BLOCK, 16 * BLOCK) != 0)
		abort();
	if (!context && syscall(SYS_io_setup, 16, &context) < 0)
		return -1;
	/* A buffer must stay as it is until its write has landed: sixteen at a time. */
	memset(bytes + round % 16 * BLOCK, (int)(round % 251), BLOCK);
	request.aio_buf = (uintptr_t)(bytes + round % 16 * BLOCK);
	request.aio_offset = at(round);
	if (syscall(SYS_io_submit, context, 1, requests) != 1)
		return -1;
	if (!wait && round % 8)
		return 0;
	for (unsigned left = wait ? 1 : (round ? 8 : 1); left > 0; left--)
		if (aio_wait(context) < 0)
			return -1;
	return 0;
}

static int by_aio(unsigned round)
{
	FILE_OF("aio", 0);
	return aio_write(fd, round, true);
}

static int by_aio_direct(unsigned round)
{
	FILE_OF("aio_direct", O_DIRECT);
	return aio_write(fd, round, false);
}

/* --- io_uring, by its system calls (io_uring_setup(2)) --------------------------------------------------- */

struct ring {
	int fd;
	uint32_t *submit_tail, *submit_mask, *submit_array, *done_head, *done_tail, *done_mask;
	struct io_uring_sqe *entries;
	struct io_uring_cqe *done;
};

static void *map_ring(int fd, size_t size, off_t offset)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
}

static int ring_open(struct ring *ring)
{
	struct io_uring_params params = { 0 };
	char *submit, *done;

	ring->fd = (int)syscall(SYS_io_uring_setup, 4, &params);
	if (ring->fd < 0)
		return -1;
	submit = map_ring(ring->fd, params.sq_off.array + params.sq_entries * sizeof(uint32_t), IORING_OFF_SQ_RING);
	done = map_ring(ring->fd, params.cq_off.cqes + params.cq_entries * sizeof(*ring->done), IORING_OFF_CQ_RING);
	ring->entries = map_ring(ring->fd, params.sq_entries * sizeof(*ring->entries), IORING_OFF_SQES);
	if (submit == MAP_FAILED || done == MAP_FAILED || ring->entries == MAP_FAILED)
		return -1;
	ring->submit_tail = (uint32_t *)(void *)(submit + params.sq_off.tail);
	ring->submit_mask = (uint32_t *)(void *)(submit + params.sq_off.ring_mask);
	ring->submit_array = (uint32_t *)(void *)(submit + params.sq_off.array);
	ring->done_head = (uint32_t *)(void *)(done + params.cq_off.head);
	ring->done_tail = (uint32_t *)(void *)(done + params.cq_off.tail);
	ring->done_mask = (uint32_t *)(void *)(done + params.cq_off.ring_mask);
	ring->done = (struct io_uring_cqe *)(void *)(done + params.cq_off.cqes);
	return 0;
}

/* Submits what there is, once, and waits for one that is done. A freeze interrupts whoever waits. */
static int ring_wait(const struct ring *ring)
{
	unsigned submit = 1;

	while (*ring->done_head == __atomic_load_n(ring->done_tail, __ATOMIC_ACQUIRE)) {
		long entered = syscall(SYS_io_uring_enter, ring->fd, submit, 1, IORING_ENTER_GETEVENTS, NULL, 0);

		if (entered < 0 && errno != EINTR)
			return -1;
		if (entered >= (long)submit)
			submit = 0;
	}
	return 0;
}

/* Submits one request and waits for it. */
static int ring_do(const struct io_uring_sqe *request, int wanted)
{
	static struct ring ring = { .fd = -1 };
	uint32_t tail, head;
	int result;

	if (ring.fd < 0 && ring_open(&ring) < 0)
		return -1;
	tail = *ring.submit_tail;
	ring.entries[tail & *ring.submit_mask] = *request;
	ring.submit_array[tail & *ring.submit_mask] = tail & *ring.submit_mask;
	__atomic_store_n(ring.submit_tail, tail + 1, __ATOMIC_RELEASE);
	if (ring_wait(&ring) < 0)
		return -1;
	head = *ring.done_head;
	result = ring.done[head & *ring.done_mask].res;
	__atomic_store_n(ring.done_head, head + 1, __ATOMIC_RELEASE);
	errno = result < 0 ? -result : EIO;
	return result == wanted ? 0 : -1;
}

static int ring_write(int fd, unsigned round)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_WRITE,
		.fd = fd,
		.addr = (uintptr_t)block(round),
		.len = BLOCK,
		.off = (uint64_t)at(round),
	};

	return ring_do(&request, (int)BLOCK);
}

static int by_ring(unsigned round)
{
	FILE_OF("ring", 0);
	return ring_write(fd, round);
}

static int by_ring_direct(unsigned round)
{
	FILE_OF("ring_direct", O_DIRECT);
	return ring_write(fd, round);
}

static int by_ring_fallocate(unsigned round)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_FALLOCATE,
		.len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		.addr = BLOCK,
		.off = (uint64_t)at(round),
	};

	FILE_OF("ring_fallocate", 0);
	request.fd = fd;
	return ring_do(&request, 0);
}

/* --- names and metadata ----------------------------------------------------------------------------------- */

static int by_second_name(unsigned round)
{
	static int fd = -1;

	if (fd < 0) {
		close(file_of("first_name", 0));
		if (link("first_name", "second_name") < 0 || (fd = open("second_name", O_RDWR | O_CLOEXEC)) < 0)
			return -1;
	}
	return whole(pwrite(fd, block(round), BLOCK, at(round)), BLOCK);
}

/* Two folders whose files have the same size and times are exchanged. */
static int by_exchange(unsigned round)
{
	static const struct timespec times[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };
	static const char *const twins[] = { "twin_a", "twin_b" };

	for (unsigned i = 0; i < 2 && round == 0; i++) {
		char path[32];
		int fd;

		snprintf(path, sizeof(path), "%s/file", twins[i]);
		mkdir(twins[i], 0755);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || write(fd, block(i), 100) != 100 || futimens(fd, times) < 0)
			return -1;
		close(fd);
	}
	return renameat2(AT_FDCWD, twins[0], AT_FDCWD, twins[1], RENAME_EXCHANGE);
}

static int by_nameless(unsigned round)
{
	int fd = open(".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644), result;
	char link[64];

	if (fd < 0)
		return errno == EOPNOTSUPP ? 0 : -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	unlink("named_late");
	result = whole(write(fd, block(round), 300), 300);
	if (result == 0)
		result = linkat(fd, "", AT_FDCWD, "named_late", AT_EMPTY_PATH);
	close(fd);
	return result;
}

/* Written under a name that has gone, and known by the other. */
static int by_lost_name(unsigned round)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open("name_to_go", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || link("name_to_go", "name_to_stay") < 0 || unlink("name_to_go") < 0)
			return -1;
	}
	return whole(pwrite(fd, block(round), 300, round % 100 * 300), 300);
}

/* As an editor saves: a new file over the old one. */
static int by_replacing(unsigned round)
{
	int fd = open("replaced.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, block(round), 200) != 200 || close(fd) < 0)
		return -1;
	return rename("replaced.new", "replaced");
}

/* As a compiler does: small files come, are renamed and go. */
static int by_churn(unsigned round)
{
	char name[48], object[48];
	int fd;

	snprintf(name, sizeof(name), "churn/%u", round % 3);
	mkdir("churn", 0755);
	mkdir(name, 0755);
	snprintf(name, sizeof(name), "churn/%u/tmp.%u", round % 3, round);
	snprintf(object, sizeof(object), "churn/%u/object.%u", round % 3, round % 20);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, block(round), 50 + round % 1000) < 0 || close(fd) < 0 || rename(name, object) < 0)
		return -1;
	snprintf(object, sizeof(object), "churn/%u/object.%u", (round + 1) % 3, (round + 7) % 20);
	return unlink(object) < 0 && errno != ENOENT ? -1 : 0;
}

/* Two files strictly one after the other: the second never knows more than the first. */
static int by_turns(unsigned round)
{
	static int first = -1, second = -1;

	if (first < 0)
		first = open("turn_first", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (second < 0)
		second = open("turn_second", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (pwrite(first, &round, sizeof(round), 0) != sizeof(round))
		return -1;
	return whole(pwrite(second, &round, sizeof(round), 0), sizeof(round));
}

/* What lies below is copied up by it. */
static int by_copy_up(unsigned round)
{
	int fd;

	if (round % 4 == 3)
		return rename("/" WRITERS_SOURCE ".low", "lowered") == 0 ? rename("lowered", "/" WRITERS_SOURCE ".low")
									 : -1;
	fd = open("/" WRITERS_SOURCE ".low", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || pwrite(fd, block(round), 10, round % 100) != 10)
		return -1;
	return close(fd);
}

static int by_metadata(unsigned round)
{
	const struct timespec times[2] = { { .tv_sec = round }, { .tv_sec = round, .tv_nsec = round } };

	FILE_OF("metadata", 0);
	switch (round % 4) {
	case 0:
		return fchmod(fd, 0600 + round % 64);
	case 1:
		return fchown(fd, round % 100, round % 50);
	case 2:
		return futimens(fd, times);
	default:
		return fsetxattr(fd, "user.round", &round, sizeof(round), 0);
	}
}

const struct writer writers[] = {
	{ .name = "pwrite", .step = by_pwrite },
	{ .name = "pwritev2", .step = by_pwritev2 },
	{ .name = "append", .step = by_append },
	{ .name = "direct", .step = by_direct },
	{ .name = "copy_file_range", .step = by_copy_file_range },
	{ .name = "sendfile", .step = by_sendfile },
	{ .name = "splice", .step = by_splice },
	{ .name = "fallocate", .step = by_fallocate },
	{ .name = "punch", .step = by_punch },
	{ .name = "zero_range", .step = by_zero_range },
	{ .name = "collapse", .step = by_collapse },
	{ .name = "truncate", .step = by_truncate },
	{ .name = "open_truncating", .step = by_open_truncating },
	{ .name = "clone", .step = by_clone, .clones = true },
	{ .name = "mapping", .step = by_mapping },
	{ .name = "msync", .step = by_msync },
	{ .name = "aio", .step = by_aio },
	{ .name = "aio_direct", .step = by_aio_direct, .in_flight = true },
	{ .name = "ring", .step = by_ring },
	{ .name = "ring_direct", .step = by_ring_direct },
	{ .name = "ring_fallocate", .step = by_ring_fallocate },
	{ .name = "second_name", .step = by_second_name },
	{ .name = "exchange", .step = by_exchange },
	{ .name = "nameless", .step = by_nameless, .nameless = true },
	{ .name = "lost_name", .step = by_lost_name, .nameless = true },
	{ .name = "replacing", .step = by_replacing },
	{ .name = "churn", .step = by_churn },
	{ .name = "turns", .step = by_turns },
	{ .name = "copy_up", .step = by_copy_up },
	{ .name = "metadata", .step = by_metadata },
};

const size_t writer_count = sizeof(writers) / sizeof(*writers);
