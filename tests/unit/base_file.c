/* Files from outside and files that hold state, in a scratch folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "support/scratch.h"

static int folder; /* the scratch folder, open */

static int set_up(void **state)
{
	scratch_set_up(state);
	folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(folder);
	return scratch_tear_down(state);
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_file_is_read_under_its_limit(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	(void)state;
	put("f", "0123456789", 0600);
	assert_int_equal(file_read(folder, "f", 10, &text, &err), 0);
	assert_string_equal(text.data, "0123456789");
	text_release(&text);
	assert_int_equal(file_read(folder, "f", 9, &text, &err), -1);
	assert_string_equal(err.message, "'f' is longer than 9 bytes");
	text_release(&text);
	assert_int_equal(file_read(folder, "none", 9, &text, &err), 1);
	put("empty", "", 0600);
	assert_int_equal(file_read(folder, "empty", 9, &text, &err), 0);
	assert_string_equal(text.data, "");
}

static void links_are_followed_only_where_asked(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	(void)state;
	put("f", "x", 0600);
	assert_int_equal(symlinkat("f", folder, "link"), 0);
	assert_int_equal(file_read(folder, "link", 9, &text, &err), -1);
	assert_string_equal(err.message, "'link' cannot be opened: Too many levels of symbolic links");
	assert_int_equal(file_read_linked(folder, "link", 9, &text, &err), 0);
	assert_string_equal(text.data, "x");
}

static void only_regular_files_are_read(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	assert_int_equal(mkdirat(folder, "folder", 0700), 0);
	assert_int_equal(file_read(folder, "fifo", 9, &text, &err), -1);
	assert_string_equal(err.message, "'fifo' is not a regular file");
	assert_int_equal(file_read_linked(folder, "folder", 9, &text, &err), -1);
	assert_string_equal(err.message, "'folder' is not a regular file");
	assert_int_equal(file_read(AT_FDCWD, "/dev/zero", 9, &text, &err), -1);
	assert_string_equal(err.message, "'/dev/zero' is not a regular file");
}

static void a_file_that_everybody_may_write_is_not_trusted(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	(void)state;
	put("f", "x", 0666);
	assert_int_equal(file_read_trusted(folder, "f", 9, &text, &err), -1);
	assert_string_equal(err.message, "'f' may be written by everybody");
	assert_int_equal(file_read(folder, "f", 9, &text, &err), 0);
	text_release(&text);
	put("f", "y", 0644);
	assert_int_equal(file_read_trusted(folder, "f", 9, &text, &err), 0);
	assert_string_equal(text.data, "y");
}

/* Owner, group and mode of a file, and whether root takes its word. */
static void root_trusts_a_file_of_root_alone(void **state)
{
	static const struct {
		uid_t owner;
		gid_t group;
		mode_t mode;
		int result;
	} cases[] = {
		{ 0, 0, 0644, 0 },  { 0, 0, 0664, 0 },     { 0, 1000, 0640, 0 },     { 0, 1000, 0660, -1 },
		{ 0, 0, 0646, -1 }, { 1000, 0, 0644, -1 }, { 1000, 1000, 0400, -1 },
	};

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_text struct text text = { 0 };
		struct error err = { 0 };

		put("f", "x", 0644);
		assert_int_equal(fchownat(folder, "f", cases[i].owner, cases[i].group, 0), 0);
		assert_int_equal(fchmodat(folder, "f", cases[i].mode, 0), 0);
		assert_int_equal(file_read_trusted(folder, "f", 9, &text, &err), cases[i].result);
		if (cases[i].result < 0)
			assert_non_null(strstr(err.message, "'f' may be written by "));
	}
	assert_int_equal(fchownat(folder, "f", 0, 0, 0), 0);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };
	struct stat st;

	(void)state;
	put("f", "old and long", 0644);
	assert_int_equal(file_replace(folder, "f", 0600, "new", 3, &err), 0);
	assert_int_equal(file_read(folder, "f", 99, &text, &err), 0);
	assert_string_equal(text.data, "new");
	assert_int_equal(fstatat(folder, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(faccessat(folder, "f.new", F_OK, 0), -1);
}

static void a_replacement_that_fails_leaves_the_old(void **state)
{
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkdirat(folder, "f", 0700), 0);
	assert_int_equal(file_replace(folder, "f", 0600, "new", 3, &err), -1);
	assert_string_equal(err.message, "'f' cannot be written: Is a directory");
	assert_int_equal(faccessat(folder, "f.new", F_OK, 0), -1);
}

static void a_link_planted_as_temporary_file_is_not_followed(void **state)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	(void)state;
	put("victim", "precious", 0600);
	assert_int_equal(symlinkat("victim", folder, "f.new"), 0);
	assert_int_equal(file_replace(folder, "f", 0600, "new", 3, &err), -1);
	assert_int_equal(file_read(folder, "victim", 99, &text, &err), 0);
	assert_string_equal(text.data, "precious");
}

static void removing_is_idempotent(void **state)
{
	struct error err = { 0 };

	(void)state;
	put("f", "x", 0600);
	assert_int_equal(file_remove(folder, "f", &err), 0);
	assert_int_equal(file_remove(folder, "f", &err), 0);
	assert_int_equal(mkdirat(folder, "folder", 0700), 0);
	assert_int_equal(file_remove(folder, "folder", &err), -1);
	assert_string_equal(err.message, "'folder' cannot be removed: Is a directory");
}

static void folders_are_made_with_their_parents(void **state)
{
	struct error err = { 0 };
	char path[128];
	struct stat st;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/a/b/c", scratch);
	fd = file_open_directory(path, 0700, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	close(fd);
	put("f", "x", 0600);
	snprintf(path, sizeof(path), "%s/f/b", scratch);
	assert_int_equal(file_open_directory(path, 0700, &err), -1);
	assert_int_equal(symlinkat("a", folder, "link"), 0);
	snprintf(path, sizeof(path), "%s/link", scratch);
	assert_int_equal(file_open_directory(path, 0700, &err), -1);
	assert_int_equal(file_open_directory("", 0700, &err), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_read_under_its_limit),
		TEST(links_are_followed_only_where_asked),
		TEST(only_regular_files_are_read),
		TEST(a_file_that_everybody_may_write_is_not_trusted),
		TEST(root_trusts_a_file_of_root_alone),
		TEST(a_file_is_replaced_as_a_whole),
		TEST(a_replacement_that_fails_leaves_the_old),
		TEST(a_link_planted_as_temporary_file_is_not_followed),
		TEST(removing_is_idempotent),
		TEST(folders_are_made_with_their_parents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
