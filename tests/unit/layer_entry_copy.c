/* An entry of a folder made again in another, and opened as the one that was seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "layer/entry_copy.h"
#include "layer/regular.h"
#include "support/scratch.h"

struct folders {
	int from, to;
};

static int set_up(void **state)
{
	struct folders *folders = calloc(1, sizeof(*folders));

	if (!folders)
		return -1;
	scratch_set_up(NULL);
	folders->from = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(folders->from, "to", 0700) < 0)
		return -1;
	folders->to = openat(folders->from, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = folders;
	return folders->to < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct folders *folders = *state;

	close(folders->from);
	close(folders->to);
	free(folders);
	return scratch_tear_down(NULL);
}

static ino_t make_file(int dir, const char *name, const char *content)
{
	cleanup_fd int file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	struct stat status;

	assert_true(file >= 0);
	assert_int_equal(write(file, content, strlen(content)), strlen(content));
	assert_int_equal(fstat(file, &status), 0);
	return status.st_ino;
}

static void expect_content(int dir, const char *name, const char *content)
{
	cleanup_fd int file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char found[64] = "";

	assert_true(file >= 0);
	assert_int_equal(read(file, found, sizeof(found) - 1), strlen(content));
	assert_string_equal(found, content);
}

/* Of a file that has grown meanwhile only what it had; and no file is made over another. */
static void a_file_is_copied_as_far_as_asked(void **state)
{
	const struct folders *folders = *state;
	ino_t inode = make_file(folders->from, "f", "content and more");
	cleanup_fd int source = regular_open_same(folders->from, "f", inode);
	struct error err = { 0 };
	uint64_t bytes = 1;

	assert_true(source >= 0);
	assert_int_equal(entry_copy_file(source, 7, folders->to, "g", 0, &bytes, &err), 0);
	assert_int_equal(bytes, 8);
	expect_content(folders->to, "g", "content");
	assert_int_equal(entry_copy_file(source, 7, folders->to, "g", 0, &bytes, &err), -1);
	assert_non_null(strstr(err.message, "cannot create 'g'"));
	expect_content(folders->to, "g", "content");
}

static void links_and_special_files_are_made_again(void **state)
{
	static const mode_t kinds[] = { S_IFIFO | 0600, S_IFSOCK | 0600, S_IFCHR | 0600 };
	const struct folders *folders = *state;
	struct error err = { 0 };
	struct stat status;
	char content[64] = "";

	assert_int_equal(symlinkat("../nowhere", folders->from, "l"), 0);
	assert_int_equal(fstatat(folders->from, "l", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(entry_copy_special(folders->from, &status, folders->to, "l", &err), 0);
	assert_int_equal(readlinkat(folders->to, "l", content, sizeof(content) - 1), strlen("../nowhere"));
	assert_string_equal(content, "../nowhere");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		char name[2] = { (char)('a' + (int)i), '\0' };

		status = (struct stat){ .st_mode = kinds[i], .st_rdev = S_ISCHR(kinds[i]) ? makedev(1, 3) : 0 };
		assert_int_equal(entry_copy_special(folders->from, &status, folders->to, name, &err), 0);
		assert_int_equal(fstatat(folders->to, name, &status, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(status.st_mode & S_IFMT, kinds[i] & S_IFMT);
		assert_int_equal(status.st_rdev, S_ISCHR(kinds[i]) ? makedev(1, 3) : 0);
	}
}

static void put_whiteout(const struct folders *folders, struct file_handle **last, const char *name)
{
	struct error err = { 0 };
	struct stat status;

	assert_int_equal(entry_put_whiteout(folders->to, last, folders->to, name, &err), 0);
	assert_int_equal(fstatat(folders->to, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0));
}

static void a_whiteout_is_what_every_overlay_takes_for_one(void **state)
{
	const struct folders *folders = *state;
	cleanup_free struct file_handle *last = NULL;
	struct error err = { 0 };
	struct stat status;

	put_whiteout(folders, &last, "gone");
	assert_int_equal(entry_put_whiteout(folders->to, &last, folders->to, "gone", &err), -1);
	assert_string_equal(err.message, "cannot create the whiteout of 'gone': File exists");
	put_whiteout(folders, &last, "too");
	assert_int_equal(fstatat(folders->to, "gone", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_nlink, 2);
	/* Where none of them is left there is nothing to be one more name of. */
	assert_int_equal(unlinkat(folders->to, "gone", 0), 0);
	assert_int_equal(unlinkat(folders->to, "too", 0), 0);
	put_whiteout(folders, &last, "again");
	put_whiteout(folders, &last, "and again");
	assert_int_equal(fstatat(folders->to, "again", &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_nlink, 2);
}

/* Another file may have come in its place, or something that must not be opened. */
static void another_is_not_opened_in_its_place(void **state)
{
	const struct folders *folders = *state;
	ino_t inode = make_file(folders->from, "f", "first");

	assert_int_equal(renameat(folders->from, "f", folders->from, "old"), 0);
	make_file(folders->from, "f", "second");
	assert_int_equal(regular_open_same(folders->from, "f", inode), -1);
	assert_int_equal(errno, ESTALE);
	assert_int_equal(unlinkat(folders->from, "f", 0), 0);
	assert_int_equal(mkfifoat(folders->from, "f", 0600), 0);
	assert_int_equal(regular_open_same(folders->from, "f", inode), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(unlinkat(folders->from, "f", 0), 0);
	assert_int_equal(symlinkat("old", folders->from, "f"), 0);
	assert_int_equal(regular_open_same(folders->from, "f", inode), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(regular_open_same(folders->from, "nothing", inode), -1);
	assert_int_equal(errno, ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_copied_as_far_as_asked),
		TEST(links_and_special_files_are_made_again),
		TEST(a_whiteout_is_what_every_overlay_takes_for_one),
		TEST(another_is_not_opened_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
