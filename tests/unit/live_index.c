/* The file with the state of the newest live version: it is read as it was written, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "live/index.h"
#include "support/scratch.h"
#include "support/tree_random.h"

#define FROZEN_NS 1000000000000

static char *path_of(const char *name)
{
	char *path = text_format("%s/%s", scratch, name);

	assert_non_null(path);
	return path;
}

static mode_t random_kind(uint64_t *state)
{
	static const mode_t kinds[] = { S_IFDIR, S_IFDIR, S_IFREG, S_IFREG, S_IFLNK, S_IFCHR };

	return kinds[random_below(state, 6)];
}

/* Folders in folders, some deep, with names of all lengths. */
static void fill(struct nodes *tree, unsigned count, uint64_t *state)
{
	struct error err = { 0 };
	struct stat status = { .st_mode = S_IFDIR, .st_ino = 2, .st_ctim.tv_sec = 7 };

	assert_int_equal(nodes_begin(tree, &err), 0);
	assert_int_equal(nodes_set(tree, NODE_ROOT, &status, &err), 0);
	for (unsigned i = 0; i < count; i++) {
		uint32_t parent = random_below(state, 3) ? tree->count - 1 : random_below(state, tree->count), id;
		char name[NAME_MAX + 1];

		while (nodes_node(tree, parent)->kind != NODE_DIRECTORY)
			parent = nodes_node(tree, parent)->parent;
		snprintf(name, sizeof(name), "%0*u", (int)(1 + random_below(state, i % 50 == 0 ? 255 : 12)), i);
		status = (struct stat){ .st_mode = random_kind(state),
					.st_ino = random_next(state) >> random_below(state, 40),
					.st_ctim.tv_sec = (time_t)random_below(state, 900) };
		id = nodes_add(tree, parent, name, &err);
		assert_int_not_equal(id, NODE_NONE);
		assert_int_equal(nodes_set(tree, id, &status, &err), 0);
		if (random_below(state, 20) == 0)
			nodes_node(tree, id)->kind = NODE_GONE;
	}
}

/* Whether all that is there in `a`, from this entry down, is in `b`. Counts it. */
static void compare(const struct nodes *a, uint32_t in_a, const struct nodes *b, uint32_t in_b, unsigned *count)
{
	const struct node *left = nodes_node(a, in_a), *right = nodes_node(b, in_b);
	uint32_t child = left->kind == NODE_DIRECTORY ? left->first_child : NODE_NONE;

	++*count;
	assert_int_equal(left->kind, right->kind);
	assert_int_equal(left->ctime_ns, right->ctime_ns);
	assert_true(nodes_inode(a, in_a) == nodes_inode(b, in_b));
	for (; child != NODE_NONE; child = nodes_node(a, child)->next_sibling) {
		uint32_t other = nodes_find(b, in_b, nodes_name(a, child));

		if (nodes_node(a, child)->kind == NODE_GONE) {
			assert_int_equal(other, NODE_NONE);
			continue;
		}
		assert_int_not_equal(other, NODE_NONE);
		compare(a, child, b, other, count);
	}
}

static int load(const char *path, const char *tip, struct nodes *tree)
{
	struct error err = { 0 };
	int loaded;

	assert_int_equal(nodes_begin(tree, &err), 0);
	loaded = index_load(path, tip, tree, &err);
	if (loaded == 0)
		assert_int_equal(tree->count, 1);
	return loaded;
}

static void test_it_is_read_as_it_was_written(void **state)
{
	cleanup_free char *path = path_of("whole");
	uint64_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		cleanup_nodes struct nodes tree = { 0 };
		cleanup_nodes struct nodes read = { 0 };
		struct error err = { 0 };
		unsigned count = 0;

		/* The largest do not fit into one block of the file. */
		fill(&tree, round % 8 == 7 ? 9000 : random_below(&seed, 300), &seed);
		assert_int_equal(index_save(path, "tip", &tree, FROZEN_NS, &err), 0);
		assert_int_equal(load(path, "tip", &read), 1);
		compare(&tree, NODE_ROOT, &read, NODE_ROOT, &count);
		assert_int_equal(count, read.count);
	}
}

static void test_of_another_tip_it_is_none(void **state)
{
	cleanup_free char *path = path_of("another");
	static const char *const others[] = { "ti", "tip2", "tipp", "TIP", "" };
	cleanup_nodes struct nodes tree = { 0 };
	struct error err = { 0 };
	uint64_t seed = 2;

	(void)state;
	fill(&tree, 20, &seed);
	assert_int_equal(index_save(path, "tip", &tree, FROZEN_NS, &err), 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		cleanup_nodes struct nodes read = { 0 };

		assert_int_equal(load(path, others[i], &read), 0);
	}
}

/* Makes a file with these bytes, and looks whether it counts for one. */
static int load_bytes(const char *bytes, size_t size)
{
	cleanup_free char *path = path_of("bytes");
	cleanup_nodes struct nodes read = { 0 };
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, bytes, size), size);
	return load(path, "tip", &read);
}

static size_t read_whole(const char *path, char **bytes)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	*bytes = malloc((size_t)status.st_size + 1);
	assert_int_equal(read(fd, *bytes, (size_t)status.st_size), status.st_size);
	return (size_t)status.st_size;
}

/* Each byte in turn, and each length. */
static void test_damaged_or_cut_off_it_is_none(void **state)
{
	cleanup_free char *path = path_of("damaged");
	cleanup_free char *bytes = NULL;
	cleanup_nodes struct nodes tree = { 0 };
	struct error err = { 0 };
	uint64_t seed = 3;
	size_t size;

	(void)state;
	fill(&tree, 30, &seed);
	assert_int_equal(index_save(path, "tip", &tree, FROZEN_NS, &err), 0);
	size = read_whole(path, &bytes);
	assert_int_equal(load_bytes(bytes, size), 1);
	for (size_t at = 0; at < size; at++) {
		char change = (char)(1 << random_below(&seed, 8));

		bytes[at] ^= change;
		assert_int_equal(load_bytes(bytes, size), 0);
		bytes[at] ^= change;
		assert_int_equal(load_bytes(bytes, at), 0);
	}
	bytes[size] = 0;
	assert_int_equal(load_bytes(bytes, size + 1), 0);
	assert_int_equal(load_bytes(bytes, size), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_read_as_it_was_written),
		cmocka_unit_test(test_of_another_tip_it_is_none),
		cmocka_unit_test(test_damaged_or_cut_off_it_is_none),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
