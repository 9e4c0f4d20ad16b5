/* Layers mounted to be looked at: one by one, and joined as older kernels take them. Needs root. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "support/files.h"
#include "support/scratch.h"
#include "workspace/tree.h"

/* Names that have to be escaped in options. */
static const char *const names[] = { "new,est", "mid:dle", "old\\est" };

static void write_file(const char *layer, const char *name, const char *content)
{
	cleanup_free char *path = text_format("%s/%s/%s", scratch, layer, name);

	files_write(path, content);
}

static int make_layers(void **state)
{
	scratch_set_up(state);
	for (size_t i = 0; i < 3; i++) {
		cleanup_free char *path = text_format("%s/%s", scratch, names[i]);

		assert_int_equal(mkdir(path, 0755), 0);
		write_file(names[i], "shared", names[i]);
		write_file(names[i], i == 0 ? "a" : i == 1 ? "b" : "c", "own");
	}
	return 0;
}

static void expect_content(int tree, const char *name, const char *content)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	assert_int_equal(file_read(tree, name, 1000, &text, &err), 0);
	assert_string_equal(text.data, content);
}

typedef int (*mount_layers)(const struct layer_paths *layers, enum layer_marks marks, const char *source,
			    struct error *err);

static void expect_tree(mount_layers mount)
{
	char *paths[3];
	const struct layer_paths layers = { .items = paths, .count = 3 };
	struct error err = { 0 };
	cleanup_fd int tree = -1;

	for (size_t i = 0; i < 3; i++)
		paths[i] = text_format("%s/%s", scratch, names[i]);
	tree = mount(&layers, LAYER_MARKS_TRUSTED, "wsnap-unit", &err);
	if (tree < 0)
		fail_msg("%s", err.message);
	expect_content(tree, "shared", names[0]);
	expect_content(tree, "a", "own");
	expect_content(tree, "b", "own");
	expect_content(tree, "c", "own");
	assert_int_equal(openat(tree, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0644), -1);
	for (size_t i = 0; i < 3; i++)
		free(paths[i]);
}

static void test_one_by_one(void **state)
{
	(void)state;
	expect_tree(tree_mount_layers);
}

static void test_joined(void **state)
{
	(void)state;
	expect_tree(tree_mount_joined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_joined),
	};

	return cmocka_run_group_tests(tests, make_layers, scratch_tear_down);
}
