/* Files from outside and files that hold state, in a scratch folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"

struct scratch {
	char path[64];
	int dir;
};

static int set_up(void **state)
{
	static struct scratch scratch;

	snprintf(scratch.path, sizeof(scratch.path), "/tmp/wsnap-file-XXXXXX");
	if (!mkdtemp(scratch.path))
		return -1;
	scratch.dir = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &scratch;
	return scratch.dir < 0 ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int tear_down(void **state)
{
	struct scratch *scratch = *state;

	close(scratch->dir);
	return nftw(scratch->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const struct scratch *scratch, const char *name, const char *text, mode_t mode)
{
	int fd = openat(scratch->dir, name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(file_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void a_file_is_read_under_its_limit(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	put(scratch, "f", "0123456789", 0600);
	assert_int_equal(file_read(scratch->dir, "f", 10, &text, &err), 0);
	assert_string_equal(text.data, "0123456789");
	text_release(&text);
	assert_int_equal(file_read(scratch->dir, "f", 9, &text, &err), -1);
	assert_string_equal(err.message, "'f' is longer than 9 bytes");
	text_release(&text);
	assert_int_equal(file_read(scratch->dir, "none", 9, &text, &err), 1);
	put(scratch, "empty", "", 0600);
	assert_int_equal(file_read(scratch->dir, "empty", 9, &text, &err), 0);
	assert_string_equal(text.data, "");
}

static void links_are_followed_only_where_asked(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	put(scratch, "f", "x", 0600);
	assert_int_equal(symlinkat("f", scratch->dir, "link"), 0);
	assert_int_equal(file_read(scratch->dir, "link", 9, &text, &err), -1);
	assert_string_equal(err.message, "'link' cannot be opened: Too many levels of symbolic links");
	assert_int_equal(file_read_linked(scratch->dir, "link", 9, &text, &err), 0);
	assert_string_equal(text.data, "x");
}

static void only_regular_files_are_read(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	assert_int_equal(mkfifoat(scratch->dir, "fifo", 0600), 0);
	assert_int_equal(mkdirat(scratch->dir, "folder", 0700), 0);
	assert_int_equal(file_read(scratch->dir, "fifo", 9, &text, &err), -1);
	assert_string_equal(err.message, "'fifo' is not a regular file");
	assert_int_equal(file_read_linked(scratch->dir, "folder", 9, &text, &err), -1);
	assert_string_equal(err.message, "'folder' is not a regular file");
	assert_int_equal(file_read(AT_FDCWD, "/dev/zero", 9, &text, &err), -1);
	assert_string_equal(err.message, "'/dev/zero' is not a regular file");
}

static void a_file_that_everybody_may_write_is_not_trusted(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	put(scratch, "f", "x", 0666);
	assert_int_equal(file_read_trusted(scratch->dir, "f", 9, &text, &err), -1);
	assert_string_equal(err.message, "'f' may be written by everybody");
	assert_int_equal(file_read(scratch->dir, "f", 9, &text, &err), 0);
	text_release(&text);
	put(scratch, "f", "y", 0644);
	assert_int_equal(file_read_trusted(scratch->dir, "f", 9, &text, &err), 0);
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
	const struct scratch *scratch = *state;

	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_text struct text text = { 0 };
		struct error err = { 0 };

		put(scratch, "f", "x", 0644);
		assert_int_equal(fchownat(scratch->dir, "f", cases[i].owner, cases[i].group, 0), 0);
		assert_int_equal(fchmodat(scratch->dir, "f", cases[i].mode, 0), 0);
		assert_int_equal(file_read_trusted(scratch->dir, "f", 9, &text, &err), cases[i].result);
		if (cases[i].result < 0)
			assert_non_null(strstr(err.message, "'f' may be written by "));
	}
	assert_int_equal(fchownat(scratch->dir, "f", 0, 0, 0), 0);
}

static void a_file_is_replaced_as_a_whole(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };
	struct stat st;

	put(scratch, "f", "old and long", 0644);
	assert_int_equal(file_replace(scratch->dir, "f", 0600, "new", 3, &err), 0);
	assert_int_equal(file_read(scratch->dir, "f", 99, &text, &err), 0);
	assert_string_equal(text.data, "new");
	assert_int_equal(fstatat(scratch->dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(faccessat(scratch->dir, "f.new", F_OK, 0), -1);
}

static void a_replacement_that_fails_leaves_the_old(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = { 0 };

	assert_int_equal(mkdirat(scratch->dir, "f", 0700), 0);
	assert_int_equal(file_replace(scratch->dir, "f", 0600, "new", 3, &err), -1);
	assert_string_equal(err.message, "'f' cannot be written: Is a directory");
	assert_int_equal(faccessat(scratch->dir, "f.new", F_OK, 0), -1);
}

static void a_link_planted_as_temporary_file_is_not_followed(void **state)
{
	const struct scratch *scratch = *state;
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };

	put(scratch, "victim", "precious", 0600);
	assert_int_equal(symlinkat("victim", scratch->dir, "f.new"), 0);
	assert_int_equal(file_replace(scratch->dir, "f", 0600, "new", 3, &err), -1);
	assert_int_equal(file_read(scratch->dir, "victim", 99, &text, &err), 0);
	assert_string_equal(text.data, "precious");
}

static void removing_is_idempotent(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = { 0 };

	put(scratch, "f", "x", 0600);
	assert_int_equal(file_remove(scratch->dir, "f", &err), 0);
	assert_int_equal(file_remove(scratch->dir, "f", &err), 0);
	assert_int_equal(mkdirat(scratch->dir, "folder", 0700), 0);
	assert_int_equal(file_remove(scratch->dir, "folder", &err), -1);
	assert_string_equal(err.message, "'folder' cannot be removed: Is a directory");
}

static void folders_are_made_with_their_parents(void **state)
{
	const struct scratch *scratch = *state;
	struct error err = { 0 };
	char path[128];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/a/b/c", scratch->path);
	fd = file_open_directory(path, 0700, &err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	close(fd);
	put(scratch, "f", "x", 0600);
	snprintf(path, sizeof(path), "%s/f/b", scratch->path);
	assert_int_equal(file_open_directory(path, 0700, &err), -1);
	assert_int_equal(symlinkat("a", scratch->dir, "link"), 0);
	snprintf(path, sizeof(path), "%s/link", scratch->path);
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
