/* Passes over a writable layer that stands still between them. */
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
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/pass.h"
#include "support/scratch.h"

static int open_new(const char *name)
{
	cleanup_fd int above = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int made;

	assert_int_equal(mkdirat(above, name, 0755), 0);
	made = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(made >= 0);
	return made;
}

static void put(int dir, const char *text)
{
	cleanup_fd int file = openat(dir, "file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(file, text, strlen(text)), strlen(text));
}

static void holds(int dir, const char *text)
{
	cleanup_fd int file = openat(dir, "file", O_RDONLY | O_CLOEXEC);
	char found[64] = "";

	assert_true(read(file, found, sizeof(found) - 1) >= 0);
	assert_string_equal(found, text);
}

static void apply(struct pass *pass, bool written)
{
	cleanup_moves struct moves moves = { 0 };
	struct error err = { 0 };
	struct stat root;

	assert_int_equal(fstat(pass->upper, &root), 0);
	if (written)
		assert_int_equal(moves_add(&moves, root.st_ino, "file", MOVE_CONTENT, &err), 0);
	assert_int_equal(pass_apply(pass, &moves, &err), 0);
}

/* Beside a process that never lets itself be frozen at a good moment there may be hundreds of passes. */
static void test_any_number_of_passes(void **state)
{
	cleanup_fd int upper = open_new("upper");
	cleanup_fd int layer = open_new("layer");
	cleanup_nodes struct nodes tree = { 0 };
	cleanup_pass struct pass pass = { 0 };
	struct error err = { 0 };

	(void)state;
	put(upper, "first");
	assert_int_equal(nodes_begin(&tree, &err), 0);
	assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, &tree, NULL, upper, layer, upper, &err), 0);
	pass.frozen = true; /* nothing is watched */
	assert_int_equal(pass_walk(&pass, &err), 0);
	holds(layer, "first");
	for (unsigned quiet = 250; quiet < 260; quiet++) {
		char text[32];

		for (unsigned i = 0; i < quiet; i++)
			apply(&pass, false);
		snprintf(text, sizeof(text), "behind %u", quiet);
		put(upper, text);
		apply(&pass, true);
		holds(layer, text);
	}
}

static int find_tip(struct layer_paths *layers, void *context, struct error *err)
{
	(void)err;
	layers->items = calloc(1, sizeof(*layers->items));
	assert_non_null(layers->items);
	layers->items[layers->count++] = strdup(context);
	return 0;
}

/* The state of a version that was taken of `upper` and lies in `tip`, so soon after a change that the next may show no new time. */
static void take_in_doubt(struct nodes *tree, int upper, int tip)
{
	cleanup_pass struct pass pass = { 0 };
	struct error err = { 0 };
	uint32_t id;

	assert_int_equal(nodes_begin(tree, &err), 0);
	assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, tree, NULL, upper, tip, upper, &err), 0);
	pass.frozen = true;
	assert_int_equal(pass_walk(&pass, &err), 0);
	id = nodes_find(tree, NODE_ROOT, "file");
	assert_int_not_equal(id, NODE_NONE);
	nodes_node(tree, id)->flags = NODE_TIP | NODE_UNSURE;
	nodes_node(tree, id)->seen = 0;
}

/* As it would be of a kernel whose clock stands still between the two. */
static void show_no_new_time(struct nodes *tree, int upper)
{
	struct error err = { 0 };
	struct stat status;

	assert_int_equal(fstatat(upper, "file", &status, 0), 0);
	assert_int_equal(nodes_set(tree, nodes_find(tree, NODE_ROOT, "file"), &status, &err), 0);
}

static void set_attribute(int dir)
{
	cleanup_fd int file = openat(dir, "file", O_RDONLY | O_CLOEXEC);

	assert_int_equal(fsetxattr(file, "trusted.note", "here", 4, 0), 0);
}

static void test_an_attribute_without_a_new_time(void **state)
{
	cleanup_fd int upper = open_new("doubtful");
	cleanup_fd int below = open_new("tip");
	cleanup_fd int layer = open_new("next");
	cleanup_nodes struct nodes tree = { 0 };
	cleanup_pass struct pass pass = { 0 };
	char path[PATH_MAX], value[8];
	struct tip tip = { .find = find_tip, .context = path };
	struct error err = { 0 };

	(void)state;
	snprintf(path, sizeof(path), "%s/tip", scratch);
	put(upper, "content");
	take_in_doubt(&tree, upper, below);
	assert_true(tip_open(&tip));
	assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, &tree, NULL, upper, layer, upper, &err), 0);
	pass.frozen = true;
	pass.tip = &tip;
	apply(&pass, false);
	assert_int_equal(pass_walk(&pass, &err), 0);
	assert_int_equal(faccessat(layer, "file", F_OK, 0), -1);
	nodes_node(&tree, nodes_find(&tree, NODE_ROOT, "file"))->flags |= NODE_UNSURE;
	set_attribute(upper);
	show_no_new_time(&tree, upper);
	assert_int_equal(pass_walk(&pass, &err), 0);
	holds(layer, "content");
	snprintf(path, sizeof(path), "%s/next/file", scratch);
	assert_int_equal(getxattr(path, "trusted.note", value, sizeof(value)), 4);
	tip_release(&tip);
}

/* Nothing has changed only where that is certain, of the root as of all that is in it. */
static void test_a_root_in_doubt(void **state)
{
	cleanup_fd int upper = open_new("root");
	cleanup_fd int below = open_new("root-tip");
	cleanup_nodes struct nodes tree = { 0 };

	(void)state;
	put(upper, "content");
	take_in_doubt(&tree, upper, below);
	for (uint32_t id = 0; id < tree.count; id++)
		nodes_node(&tree, id)->flags = NODE_TIP;
	for (unsigned doubt = 0; doubt < 2; doubt++) {
		cleanup_pass struct pass pass = { 0 };
		struct error err = { 0 };

		nodes_node(&tree, NODE_ROOT)->flags |= doubt ? NODE_UNSURE : 0;
		assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, &tree, NULL, upper, -1, -1, &err), 0);
		assert_int_equal(pass_look(&pass, &err), doubt ? -1 : 0);
	}
}

/* user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::r-x (acl(5), linux/posix_acl_xattr.h) */
static const unsigned char acl[] = {
	2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,   7,  0, 232, 3, 0,   0,   4,   0,
	5, 0, 255, 255, 255, 255, 16, 0, 7,   0,   255, 255, 255, 255, 32, 0, 5,   0, 255, 255, 255, 255,
};

/* The folder that containerd makes its own in may hand down an ACL: that is none of the workspace's. */
static void test_an_acl_from_above(void **state)
{
	cleanup_fd int upper = open_new("without");
	cleanup_fd int layer = open_new("with");
	cleanup_nodes struct nodes tree = { 0 };
	cleanup_pass struct pass pass = { 0 };
	struct error err = { 0 };
	char path[PATH_MAX];

	(void)state;
	put(upper, "content");
	assert_int_equal(fsetxattr(layer, "system.posix_acl_default", acl, sizeof(acl), 0), 0);
	assert_int_equal(nodes_begin(&tree, &err), 0);
	assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, &tree, NULL, upper, layer, upper, &err), 0);
	pass.frozen = true;
	assert_int_equal(pass_walk(&pass, &err), 0);
	holds(layer, "content");
	snprintf(path, sizeof(path), "%s/with/file", scratch);
	assert_int_equal(getxattr(path, "system.posix_acl_access", NULL, 0), -1);
	assert_int_equal(fgetxattr(layer, "system.posix_acl_default", NULL, 0), -1);
}

/* overlayfs itself needs one inode for all of them: a filesystem with room for the writable layer has it for its versions. */
static void test_whiteouts_are_names_of_one_inode(void **state)
{
	cleanup_fd int upper = open_new("hiding");
	cleanup_fd int layer = open_new("hidden");
	cleanup_nodes struct nodes tree = { 0 };
	cleanup_pass struct pass pass = { 0 };
	struct error err = { 0 };
	struct stat first = { 0 }, status;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		char name[] = "0";

		name[0] = (char)('0' + i);
		assert_int_equal(mknodat(upper, name, S_IFCHR, 0), 0);
	}
	assert_int_equal(nodes_begin(&tree, &err), 0);
	assert_int_equal(pass_begin(&pass, LAYER_MARKS_TRUSTED, &tree, NULL, upper, layer, upper, &err), 0);
	pass.frozen = true;
	assert_int_equal(pass_walk(&pass, &err), 0);
	assert_int_equal(fstatat(layer, "0", &first, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(first.st_nlink, 8);
	assert_int_equal(fstatat(layer, "7", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(status.st_mode) && status.st_rdev == 0 && status.st_ino == first.st_ino);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number_of_passes),
		cmocka_unit_test(test_an_attribute_without_a_new_time),
		cmocka_unit_test(test_a_root_in_doubt),
		cmocka_unit_test(test_an_acl_from_above),
		cmocka_unit_test(test_whiteouts_are_names_of_one_inode),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
