/* The tree of what a writable layer held: found by name and by inode number, however large both become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "live/nodes.h"

#define FOLDERS 20u
#define FILES 1000u

/* From the half on the numbers are above 2^32, and some differ in that half alone. */
static uint64_t inode_of(unsigned number)
{
	return number < FOLDERS * FILES / 2 ? number + 2 : ((uint64_t)(number % 3 + 1) << 32) + number / 3;
}

static uint32_t add(struct nodes *tree, uint32_t parent, const char *name, uint64_t inode, mode_t kind)
{
	struct stat status = { .st_ino = inode, .st_mode = kind | 0644, .st_nlink = 1, .st_ctim.tv_nsec = 5 };
	struct error err = { 0 };
	uint32_t id = nodes_add(tree, parent, name, &err);

	assert_int_not_equal(id, NODE_NONE);
	assert_int_equal(nodes_set(tree, id, &status, &err), 0);
	return id;
}

static void fill(struct nodes *tree, uint32_t folders[FOLDERS])
{
	struct error err = { 0 };
	char name[32];

	assert_int_equal(nodes_begin(tree, &err), 0);
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(name, sizeof(name), "folder %u", i);
		folders[i] = add(tree, NODE_ROOT, name, UINT64_MAX - i, S_IFDIR);
	}
	for (unsigned i = 0; i < FOLDERS * FILES; i++) {
		snprintf(name, sizeof(name), "file %u", i / FOLDERS);
		add(tree, folders[i % FOLDERS], name, inode_of(i), S_IFREG);
	}
}

static void test_all_are_found(void **state)
{
	cleanup_nodes struct nodes tree = { 0 };
	uint32_t folders[FOLDERS];
	char name[32];

	(void)state;
	fill(&tree, folders);
	for (unsigned i = 0; i < FOLDERS * FILES; i++) {
		uint32_t id;

		snprintf(name, sizeof(name), "file %u", i / FOLDERS);
		id = nodes_find(&tree, folders[i % FOLDERS], name);
		assert_int_not_equal(id, NODE_NONE);
		assert_int_equal(nodes_inode(&tree, id), inode_of(i));
		assert_int_equal(nodes_by_inode(&tree, inode_of(i)), id);
		assert_int_equal(nodes_next_by_inode(&tree, id), NODE_NONE);
	}
	for (unsigned i = 0; i < FOLDERS; i++)
		assert_int_equal(nodes_by_inode(&tree, UINT64_MAX - i), folders[i]);
	assert_int_equal(nodes_find(&tree, folders[0], "file"), NODE_NONE);
	assert_int_equal(nodes_by_inode(&tree, (uint64_t)9 << 32), NODE_NONE);
}

/* What takes the place of an entry that was dropped does not inherit its number. */
static void test_what_was_dropped_is_found_no_more(void **state)
{
	cleanup_nodes struct nodes tree = { 0 };
	uint32_t folders[FOLDERS];
	uint32_t id;

	(void)state;
	fill(&tree, folders);
	nodes_drop_children(&tree, folders[7]);
	for (unsigned i = 7; i < FOLDERS * FILES; i += FOLDERS)
		assert_int_equal(nodes_by_inode(&tree, inode_of(i)), NODE_NONE);
	id = add(&tree, folders[7], "new", 12345678, S_IFREG);
	assert_int_equal(nodes_inode(&tree, id), 12345678);
	assert_int_equal(nodes_find(&tree, folders[7], "new"), id);
	assert_int_not_equal(nodes_find(&tree, folders[8], "file 0"), NODE_NONE);
}

static void test_names_of_one_inode(void **state)
{
	cleanup_nodes struct nodes tree = { 0 };
	struct error err = { 0 };
	unsigned count = 0;

	(void)state;
	assert_int_equal(nodes_begin(&tree, &err), 0);
	add(&tree, NODE_ROOT, "a", (uint64_t)7 << 32 | 1, S_IFREG);
	add(&tree, NODE_ROOT, "b", (uint64_t)7 << 32 | 1, S_IFREG);
	add(&tree, NODE_ROOT, "c", 1, S_IFREG);
	for (uint32_t id = nodes_by_inode(&tree, (uint64_t)7 << 32 | 1); id != NODE_NONE;
	     id = nodes_next_by_inode(&tree, id))
		count++;
	assert_int_equal(count, 2);
}

#define WHITEOUTS 200000u
#define SOON_MS 5000

/* overlayfs makes them names of one inode: whoever puts files in their place does not look through all the others each time. */
static void test_very_many_whiteouts(void **state)
{
	cleanup_nodes struct nodes tree = { 0 };
	struct stat file = { .st_ino = 100, .st_mode = S_IFREG | 0644, .st_nlink = 1 };
	double since_ms = clock_monotonic_ms();
	struct error err = { 0 };
	char name[32];

	(void)state;
	assert_int_equal(nodes_begin(&tree, &err), 0);
	for (unsigned i = 0; i < WHITEOUTS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		add(&tree, NODE_ROOT, name, 7, S_IFCHR);
	}
	for (unsigned i = 0; i < WHITEOUTS && clock_monotonic_ms() - since_ms < SOON_MS; i++) {
		snprintf(name, sizeof(name), "%u", i);
		file.st_ino++;
		assert_int_equal(nodes_set(&tree, nodes_find(&tree, NODE_ROOT, name), &file, &err), 0);
	}
	assert_int_equal(file.st_ino, 100 + WHITEOUTS);
	assert_int_equal(nodes_by_inode(&tree, 7), NODE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_found),
		cmocka_unit_test(test_what_was_dropped_is_found_no_more),
		cmocka_unit_test(test_names_of_one_inode),
		cmocka_unit_test(test_very_many_whiteouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
