/*
 * Live versions of files that the kernel knows by names whose folders have gone: nobody tells of what becomes of them in any
 * folder, but they are watched for themselves. Each new layer is compared, in the freeze, with what the workspace shows,
 * byte by byte.
 *
 *     live_lost_folders [VERSIONS]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "support/live_stand.h"
#include "support/scratch.h"

static unsigned version_count = 6;

static void must(bool done, const char *what)
{
	if (done)
		return;
	perror(what);
	_exit(1);
}

/* An entry that was made as `/gone/file`, and has the name `name` alone since. As long as it is held open the kernel knows it
 * by the other. */
static int lose_folder(const char *name, mode_t type)
{
	int held;

	must(mkdir("/gone", 0755) == 0, "mkdir");
	must(S_ISLNK(type) ? symlink("to", "/gone/file") == 0 : mknod("/gone/file", type | 0644, 0) == 0, "make");
	held = open("/gone/file", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	must(held >= 0 && link("/gone/file", name) == 0, "link");
	must(unlink("/gone/file") == 0 && rmdir("/gone") == 0, "remove");
	return held;
}

/* Open by the name that it had. */
static int hold_lost(const char *name, int flags)
{
	int fd;

	must(mkdir("/gone", 0755) == 0, "mkdir");
	fd = open("/gone/file", O_CREAT | O_CLOEXEC | flags, 0644);
	must(fd >= 0 && link("/gone/file", name) == 0, "link");
	must(unlink("/gone/file") == 0 && rmdir("/gone") == 0, "remove");
	return fd;
}

/* It never had a name there. */
static int hold_nameless(const char *name)
{
	char path[64];
	int fd;

	must(mkdir("/gone", 0755) == 0, "mkdir");
	fd = open("/gone", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	must(rmdir("/gone") == 0, "rmdir");
	if (fd < 0 && errno == EOPNOTSUPP)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(fd >= 0 && linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0, "linkat");
	return fd;
}

/* What is found in the first pass. */
static void change_old(unsigned round, int writable, int readable, int nameless)
{
	const struct timespec times[2] = { { .tv_sec = round }, { .tv_sec = round } };

	must(chmod("/mode", 0600 | (round & 0177)) == 0, "chmod");
	must(truncate("/size", round % 5000) == 0, "truncate");
	must(setxattr("/attribute", "trusted.round", &round, sizeof(round), 0) == 0, "setxattr");
	must(chown("/fifo", round % 1000, 0) == 0, "chown");
	must(lchown("/link", round % 1000, 0) == 0, "lchown");
	must(utimensat(AT_FDCWD, "/times", times, 0) == 0, "utimensat");
	must(ftruncate(writable, round % 3000) == 0, "ftruncate");
	must(fchmod(readable, 0600 | (round & 0177)) == 0, "fchmod");
	must(nameless < 0 || fchmod(nameless, 0600 | (round & 0177)) == 0, "fchmod");
}

/* What loses its folder while the workspace is looked at. */
static void change_new(unsigned round)
{
	int held;

	(void)unlink("/turned");
	held = lose_folder("/turned", S_IFREG);
	for (unsigned i = 0; i < 20; i++) {
		must(chmod("/turned", 0600 | ((round + i) & 0177)) == 0, "chmod");
		must(truncate("/turned", (round + i) % 2000) == 0, "truncate");
	}
	close(held);
}

static void be_lost(struct stand *stand)
{
	int writable, readable, nameless;

	stand_enter(stand);
	lose_folder("/mode", S_IFREG);
	lose_folder("/size", S_IFREG);
	lose_folder("/attribute", S_IFREG);
	lose_folder("/fifo", S_IFIFO);
	lose_folder("/times", S_IFREG);
	lose_folder("/link", S_IFLNK);
	writable = hold_lost("/writable", O_WRONLY);
	readable = hold_lost("/readable", O_RDONLY);
	nameless = hold_nameless("/nameless");
	for (unsigned round = 1;; round++) {
		change_old(round, writable, readable, nameless);
		change_new(round);
	}
}

/* How many of the versions had to walk in the freeze. */
static unsigned take_versions(const char *type)
{
	struct stand stand;

	stand_make(&stand, type, 1, NULL, be_lost);
	for (unsigned i = 0; i < version_count; i++)
		stand_take(&stand);
	assert_int_equal(stand.compared, version_count);
	stand_end(&stand);
	return stand.walked;
}

static void test_ext4(void **state)
{
	(void)state;
	assert_int_equal(take_versions("ext4"), 0);
}

static void test_xfs(void **state)
{
	(void)state;
	assert_int_equal(take_versions("xfs"), 0);
}

static void test_btrfs(void **state)
{
	(void)state;
	take_versions("btrfs");
}

/* The kernel refuses every mark of a file from now on: the last one that was said counts. */
static void refuse_marks_of_files(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fanotify_mark, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FAN_MARK_EVICTABLE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)number),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* Then all is walked in the freeze. */
static void test_marks_are_refused(void **state)
{
	static const int numbers[] = { ENOSPC, ENOMEM, EINVAL /* before Linux 5.19 */, EPERM };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		refuse_marks_of_files(numbers[i]);
		assert_int_equal(take_versions("ext4"), version_count);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ext4), cmocka_unit_test(test_xfs), cmocka_unit_test(test_btrfs),
		cmocka_unit_test(test_marks_are_refused), /* for good */
	};

	if (argc > 1)
		version_count = (unsigned)atoi(argv[1]);
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
