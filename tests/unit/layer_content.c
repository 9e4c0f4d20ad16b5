/* Whether two files hold the same bytes, whatever is written and whatever is a hole in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/content.h"
#include "support/scratch.h"
#include "support/tree_random.h"

#define BLOCK 4096
#define BLOCKS 64
#define SIZE ((off_t)BLOCK * BLOCKS)

static int make_file(off_t size)
{
	int file = open(scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, size), 0);
	return file;
}

static void put(int file, off_t offset, char byte, size_t length)
{
	char bytes[BLOCK];

	memset(bytes, byte, sizeof(bytes));
	assert_int_equal(pwrite(file, bytes, length, offset), length);
}

/* What is to be found out by reading all of it. */
static int equal_when_read(int a, int b)
{
	static char left[SIZE], right[SIZE];

	assert_int_equal(pread(a, left, sizeof(left), 0), SIZE);
	assert_int_equal(pread(b, right, sizeof(right), 0), SIZE);
	return memcmp(left, right, sizeof(left)) == 0;
}

/* Blocks of zeros, which are no holes, of other bytes, and holes; the second file has them in other places, but where it shows
 * the same, and sometimes a byte that differs. */
static void test_random(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		cleanup_fd int a = make_file(SIZE);
		cleanup_fd int b = make_file(SIZE);

		for (unsigned i = 0; i < BLOCKS; i++) {
			char byte = random_below(&seed, 4) ? 0 : (char)random_below(&seed, 256);

			if (byte != 0 || random_below(&seed, 3) == 0)
				put(a, (off_t)i * BLOCK, byte, BLOCK);
			if (byte != 0 || random_below(&seed, 3) == 0)
				put(b, (off_t)i * BLOCK, byte, BLOCK);
		}
		if (random_below(&seed, 2))
			put(b, (off_t)random_below(&seed, SIZE), 'x', 1);
		assert_int_equal(content_equal(a, b, SIZE), equal_when_read(a, b));
		assert_int_equal(content_equal(b, a, SIZE), equal_when_read(a, b));
	}
}

static void test_sizes(void **state)
{
	cleanup_fd int a = make_file(10 * BLOCK);
	cleanup_fd int b = make_file(9 * BLOCK);

	(void)state;
	assert_int_equal(content_equal(a, b, 10 * BLOCK), 0);
	assert_int_equal(content_equal(b, a, 10 * BLOCK), 0);
	assert_int_equal(content_equal(a, b, 9 * BLOCK), 1);
	assert_int_equal(content_equal(a, b, 0), 1);
	put(a, 9 * BLOCK, 'x', 1);
	assert_int_equal(content_equal(a, b, 9 * BLOCK), 1);
	put(a, 9 * BLOCK - 1, 'x', 1);
	assert_int_equal(content_equal(a, b, 9 * BLOCK), 0);
}

/* Reading all of it would take hours. */
static void test_holes_are_not_read(void **state)
{
	const off_t size = (off_t)4 << 40, at = ((off_t)3 << 40) + 12345;
	cleanup_fd int a = make_file(size);
	cleanup_fd int b = make_file(size);

	(void)state;
	assert_int_equal(content_equal(a, b, size), 1);
	put(a, at, 'x', 100);
	assert_int_equal(content_equal(a, b, size), 0);
	put(b, at, 'x', 100);
	assert_int_equal(content_equal(a, b, size), 1);
	put(b, size - 1, 0, 1);
	assert_int_equal(content_equal(a, b, size), 1);
	put(b, size - 1, 1, 1);
	assert_int_equal(content_equal(a, b, size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_holes_are_not_read),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
