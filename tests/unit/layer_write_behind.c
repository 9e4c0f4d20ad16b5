/* Copies that are written back while they are made: the same bytes and holes as others, and little of them waits for the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/content.h"
#include "layer/write_behind.h"
#include "support/filesystems.h"
#include "support/scratch.h"
#include "support/tree_random.h"

#define XFS_MAGIC 0x58465342

/* Blocks in which a filesystem notes where a file lies, of 512 bytes. */
#define BOOKKEEPING 128

#define SIZE (9 * WRITE_BEHIND_WINDOW)

static const char *place; /* NULL: scratch */

static int make_file(void)
{
	int file = open(place ? place : scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	return file;
}

static void put(int file, off_t offset, size_t length, char byte)
{
	cleanup_free char *bytes = malloc(length);

	assert_non_null(bytes);
	memset(bytes, byte, length);
	assert_int_equal(pwrite(file, bytes, length, offset), length);
}

static blkcnt_t blocks(int file)
{
	struct stat status;

	assert_int_equal(fsync(file), 0); /* ext4 gives them out when they are written */
	assert_int_equal(fstat(file, &status), 0);
	return status.st_blocks;
}

static void copy_and_compare(int from, off_t size)
{
	cleanup_fd int to = make_file();
	uint64_t bytes = 0;

	assert_int_equal(content_copy(from, to, size, CONTENT_WRITE_BEHIND, &bytes), 0);
	assert_int_equal(lseek(to, 0, SEEK_END), size);
	assert_int_equal(content_equal(from, to, size), 1);
	assert_true(bytes <= (uint64_t)size);
	assert_true(blocks(to) <= blocks(from) + BOOKKEEPING);
}

/* Pieces that are shorter than a window, as long and longer, with holes between them or without. */
static void test_pieces_and_holes(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		cleanup_fd int from = make_file();
		off_t end = 0;

		while (end < SIZE) {
			off_t length = 1 + (off_t)random_below(&seed, 2 * (uint64_t)WRITE_BEHIND_WINDOW);

			if (random_below(&seed, 2))
				put(from, end, (size_t)length, (char)(1 + random_below(&seed, 100)));
			end += length;
		}
		assert_int_equal(ftruncate(from, end), 0);
		copy_and_compare(from, end);
	}
}

static bool has_disk(void)
{
	struct statfs status;

	assert_int_equal(statfs(scratch, &status), 0);
	return status.f_type == EXT4_SUPER_MAGIC || status.f_type == XFS_MAGIC || status.f_type == BTRFS_SUPER_MAGIC;
}

/* One page of a mapped file: whether it waits to be written, as Documentation/admin-guide/mm/pagemap.rst of the kernel tells of
 * the two files. */
static bool is_dirty(int pages, int flags, const char *address, size_t page)
{
	uint64_t entry, bits;

	assert_int_equal(pread(pages, &entry, sizeof(entry), (off_t)((uintptr_t)address / page * sizeof(entry))),
			 sizeof(entry));
	entry &= ((uint64_t)1 << 55) - 1;
	assert_true(entry != 0);
	assert_int_equal(pread(flags, &bits, sizeof(bits), (off_t)(entry * sizeof(bits))), sizeof(bits));
	return bits >> 4 & 1;
}

static size_t dirty_bytes(int file, int pages, int flags)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), dirty = 0;
	char *mapped = mmap(NULL, SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, file, 0);

	assert_true(mapped != MAP_FAILED);
	for (size_t at = 0; at < (size_t)SIZE; at += page) {
		(void)*(volatile char *)(mapped + at);
		dirty += is_dirty(pages, flags, mapped + at, page) ? page : 0;
	}
	assert_int_equal(munmap(mapped, SIZE), 0);
	return dirty;
}

static size_t dirty_after_copy(unsigned how, int pages, int flags)
{
	cleanup_fd int from = make_file();
	cleanup_fd int to = make_file();
	uint64_t bytes = 0;

	put(from, 0, (size_t)SIZE, 'x');
	assert_int_equal(content_copy(from, to, SIZE, how, &bytes), 0);
	assert_int_equal(bytes, SIZE);
	return dirty_bytes(to, pages, flags);
}

static void test_little_waits(void **state)
{
	cleanup_fd int pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	cleanup_fd int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);

	(void)state;
	if (pages < 0 || flags < 0 || !has_disk())
		skip();
	assert_true(dirty_after_copy(CONTENT_WRITE_BEHIND, pages, flags) <= 2 * (size_t)WRITE_BEHIND_WINDOW);
}

static char *make_folder(const char *top, const char *name)
{
	char *path = text_format("%s/%s", top, name);

	assert_int_equal(mkdir(path, 0755), 0);
	return path;
}

static size_t allocated(const char *image)
{
	struct stat status;

	assert_int_equal(stat(image, &status), 0);
	return (size_t)status.st_blocks * 512;
}

/* The image is sparse: what was written to its disk has blocks. */
static void check_written_meanwhile(const char *image)
{
	cleanup_fd int from = make_file();
	cleanup_fd int to = make_file();
	uint64_t bytes = 0;
	size_t before;

	put(from, 0, (size_t)SIZE, 'x');
	assert_int_equal(fsync(from), 0);
	before = allocated(image);
	assert_int_equal(content_copy(from, to, SIZE, CONTENT_WRITE_BEHIND, &bytes), 0);
	assert_true(allocated(image) >= before + 8 * (size_t)WRITE_BEHIND_WINDOW);
}

/* What waits is in the file below the overlay: that it was written shows in the image of its disk. */
static void test_through_an_overlay(void **state)
{
	struct filesystem filesystem;
	cleanup_free char *base = NULL, *upper = NULL, *work = NULL, *root = NULL;

	(void)state;
	if (!filesystems_available())
		skip();
	filesystem_mount(&filesystem, scratch, "ext4", 256);
	base = make_folder(filesystem.root, "base");
	upper = make_folder(filesystem.root, "upper");
	work = make_folder(filesystem.root, "work");
	root = make_folder(filesystem.root, "root");
	overlay_mount(root, (const char *[]){ base }, 1, upper, work);
	place = root;
	check_written_meanwhile(filesystem.image);
	place = NULL;
	overlay_unmount(root);
	filesystem_unmount(&filesystem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_and_holes),
		cmocka_unit_test(test_little_waits),
		cmocka_unit_test(test_through_an_overlay),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
