/* Passes over a writable layer that stands still between them: each name that is told of is looked at, in whichever pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_number_of_passes),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
