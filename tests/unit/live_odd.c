/*
 * Live versions where something is unusual: times without parts of a second, file handles that are made in another way, a file
 * that somebody has a lease on, a process that is in the workspace's files and not in its control group.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "support/files.h"
#include "support/live_stand.h"
#include "support/scratch.h"
#include "support/tree_random.h"

#define VERSIONS 10

static void put(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file >= 0) {
		(void)!write(file, text, strlen(text));
		close(file);
	}
}

/* --- other handles ---------------------------------------------------------------------------------------------- */

/* What is told by names alone. */
static void be_renaming(struct stand *stand)
{
	stand_enter(stand);
	mkdir("/folder", 0755);
	for (unsigned round = 0;; round++) {
		(void)!symlink("/etc", "/folder/link");
		rename("/folder/link", "/link");
		put("/folder/file", "text");
		chmod("/folder/file", round % 2 ? 0600 : 0644);
		(void)!link("/folder/file", "/again");
		unlink("/link");
		unlink("/again");
		unlink("/folder/file");
	}
}

static void test_tmpfs(void **state)
{
	(void)state;
	stand_take_versions("tmpfs", be_renaming, VERSIONS);
}

/* --- coarse times ----------------------------------------------------------------------------------------------- */

static void wait_for_second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	clock_sleep_ms((unsigned)(1000 - now.tv_nsec / 1000000 + 5));
}

/* A version in the middle of a second, and a change of the same size behind it: its times say nothing. */
static void test_the_same_second(void **state)
{
	cleanup_free char *path = NULL;
	struct stand stand;

	(void)state;
	stand_make(&stand, FILESYSTEM_COARSE, 1, NULL, stand_be_quiet);
	path = text_format("%s/document", stand.merged);
	stand_take(&stand);
	for (unsigned i = 0; i < 3; i++) {
		char text[8];

		snprintf(text, sizeof(text), "old %u", i);
		wait_for_second();
		put(path, text);
		clock_sleep_ms(100);
		stand_take(&stand);
		snprintf(text, sizeof(text), "new %u", i);
		put(path, text);
		assert_int_equal(live_is_as_tip(stand.upper, LAYER_MARKS_TRUSTED, stand.index, stand.tip), 0);
		stand_take(&stand);
	}
	stand_end(&stand);
}

/* Attributes that come and go, and files that are written anew with the same size, within one tick of the clock. */
static void be_rewriting(struct stand *stand)
{
	static char text[3 << 12];

	stand_enter(stand);
	put("/attribute", "text");
	for (unsigned round = 0;; round++) {
		char path[] = "/written0";
		int file;

		path[8] = (char)('0' + round % 8);
		file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		text[0] = (char)round;
		(void)!write(file, text, sizeof(text));
		close(file);
		setxattr("/attribute", "trusted.note", "value", 5, 0);
		removexattr("/attribute", "trusted.note");
	}
}

static void test_rewriting(void **state)
{
	(void)state;
	stand_take_versions(FILESYSTEM_COARSE, be_rewriting, VERSIONS);
}

static void test_flickering(void **state)
{
	(void)state;
	stand_take_versions(FILESYSTEM_COARSE, stand_be_flickering, VERSIONS);
}

static void be_changing(struct stand *stand)
{
	uint64_t state = stand->state;

	stand_enter(stand);
	for (;;)
		tree_change("/", 1, &state);
}

static void test_changing(void **state)
{
	(void)state;
	stand_take_versions(FILESYSTEM_COARSE, be_changing, VERSIONS);
}

/* --- leases ----------------------------------------------------------------------------------------------------- */

/* fcntl(2), F_SETLEASE: whoever opens the file waits until it is given up, or for a long time. */
static void be_leasing(struct stand *stand)
{
	int file;

	stand_enter(stand);
	signal(SIGIO, SIG_IGN);
	file = open("/leased", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file < 0 || fcntl(file, F_SETLEASE, F_WRLCK) < 0)
		_exit(1);
	for (unsigned round = 0;; round++) {
		(void)!pwrite(file, &round, sizeof(round), 0);
		clock_sleep_ms(1);
	}
}

static void test_nobody_waits_for_a_lease(void **state)
{
	struct stand stand;
	double began_ms;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, be_leasing);
	began_ms = clock_monotonic_ms();
	stand_take_blindly(&stand);
	assert_true(clock_monotonic_ms() - began_ms < 30000);
	stand_end(&stand);
}

/* --- from outside ----------------------------------------------------------------------------------------------- */

/* A process in the workspace's files that does not stand still with it: three names lead to another file again and again. */
static pid_t exchange_from_outside(const struct stand *stand)
{
	const char *const names[] = { "spare", "saved0", "saved1", "saved2" };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(stand->merged) < 0)
		_exit(1);
	for (unsigned i = 0; i < 4; i++)
		put(names[i], "text");
	for (unsigned round = 0;; round++)
		renameat2(AT_FDCWD, "spare", AT_FDCWD, names[1 + round % 3], RENAME_EXCHANGE);
}

static void assert_there(const struct stand *stand)
{
	const char *layers[STAND_LAYERS_MAX + 1];

	memcpy(layers, stand->layers, stand->count * sizeof(*layers));
	overlay_mount(stand->shown, layers, stand->count, NULL, NULL);
	for (unsigned i = 0; i < 3; i++) {
		cleanup_free char *path = text_format("%s/saved%u", stand->shown, i);

		if (access(path, F_OK) < 0)
			fail_msg("version %u lacks 'saved%u'", stand->taken, i);
	}
	overlay_unmount(stand->shown);
}

static void test_what_is_there_all_the_while_is_in_every_version(void **state)
{
	struct stand stand;
	pid_t outside;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	outside = exchange_from_outside(&stand);
	clock_sleep_ms(100);
	for (unsigned i = 0; i < 6 * VERSIONS; i++) {
		stand_take_blindly(&stand);
		assert_there(&stand);
	}
	kill(outside, SIGKILL);
	assert_int_equal(waitpid(outside, NULL, 0), outside);
	stand_end(&stand);
}

/* --- deep renames ------------------------------------------------------------------------------------------------- */

#define LEVELS 60

/* Folders in folders get other names from the deepest up, as `find -depth` finds them. */
static void be_renaming_deep(struct stand *stand)
{
	int folders[LEVELS + 1];

	stand_enter(stand);
	folders[0] = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned level = 0; level < LEVELS; level++) {
		mkdirat(folders[level], "a", 0755);
		folders[level + 1] = openat(folders[level], "a", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	for (;;) {
		for (unsigned level = LEVELS; level-- > 0;)
			if (renameat(folders[level], "a", folders[level], "b") < 0)
				renameat(folders[level], "b", folders[level], "a");
		clock_sleep_ms(1);
	}
}

/* Each is copied about once a pass, and not once for each folder above it. */
static void test_deep_renames(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, be_renaming_deep);
	stand_take(&stand);
	for (unsigned i = 1; i < VERSIONS; i++) {
		struct live_result result = stand_take(&stand);

		assert_true(result.copied_entries <= 3ULL * LEVELS * result.passes);
	}
	stand_end(&stand);
}

/* --- files that are found under no name --------------------------------------------------------------------- */

static void put_low(const char *image)
{
	cleanup_free char *path = text_format("%s/low", image);

	put(path, "");
}

/* An empty file is held open for writing under a name that has gone, and is known by no number, as it came from below. A fifo
 * with two names has the same times. */
static void be_holding(struct stand *stand)
{
	stand_enter(stand);
	wait_for_second();
	if (open("/low", O_WRONLY | O_CLOEXEC) < 0 || chmod("/low", 0600) < 0 || link("/low", "/kept") < 0 ||
	    unlink("/low") < 0 || mkfifo("/fifo", 0644) < 0 || link("/fifo", "/twin") < 0)
		_exit(1);
	for (;;)
		pause();
}

/* Times and size say that they may be the file that is not found; they are none, and stay links of one another. */
static void test_names_beside_a_file_that_is_not_found(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, FILESYSTEM_COARSE, 1, put_low, stand_be_quiet);
	stand_stop(&stand);
	stand_live(&stand, be_holding);
	clock_sleep_ms(1100);
	for (unsigned i = 0; i < 2; i++)
		assert_true(stand_take(&stand).walked_frozen);
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tmpfs),
		cmocka_unit_test(test_the_same_second),
		cmocka_unit_test(test_rewriting),
		cmocka_unit_test(test_flickering),
		cmocka_unit_test(test_changing),
		cmocka_unit_test(test_nobody_waits_for_a_lease),
		cmocka_unit_test(test_deep_renames),
		cmocka_unit_test(test_what_is_there_all_the_while_is_in_every_version),
		cmocka_unit_test(test_names_beside_a_file_that_is_not_found),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
