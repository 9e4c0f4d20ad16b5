/*
 * Live versions beside processes that write by every way there is: each new layer is compared, in the freeze, with what
 * the workspace shows, byte by byte.
 *
 *     live_writers [VERSIONS [WRITER…]]
 *
 * VERSIONS (default 4) on each of ext4, xfs and btrfs beside all writers at once; with names, beside each of these alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "support/live_stand.h"
#include "support/scratch.h"
#include "support/writers.h"

#define PROCESSES 3

static unsigned version_count = 4;
static char **only; /* names, ended by NULL; NULL: all at once */

/* For the life that begins next. */
static const char *alone;
static bool clones, in_flight, nameless;
static bool numbered; /* files are known by their inode numbers, too */

/* Whether the kernel tells of all that it does under no name that is there. */
static bool is_nameless(const struct writer *writer)
{
	return writer->nameless && !numbered;
}

static bool is_wanted(const struct writer *writer)
{
	if (alone && strcmp(writer->name, alone) != 0)
		return false;
	return writer->in_flight == in_flight && is_nameless(writer) == nameless && (clones || !writer->clones);
}

/* Whether the kernel tells of all that it does, in time. */
static bool told(const char *name)
{
	for (size_t i = 0; i < writer_count; i++)
		if (strcmp(writers[i].name, name) == 0)
			return !writers[i].in_flight && !is_nameless(&writers[i]);
	fail_msg("there is no writer '%s'", name);
	return false;
}

static _Noreturn void write_on(unsigned process)
{
	for (unsigned round = 0;; round++) {
		for (size_t i = 0; i < writer_count; i++) {
			if (i % PROCESSES != process || !is_wanted(&writers[i]) || writers[i].step(round) == 0)
				continue;
			fprintf(stderr, "%s fails at its step %u: %s\n", writers[i].name, round, strerror(errno));
			_exit(1);
		}
	}
}

/* Some processes, each with every third of the writers. They share no file. */
static void be_writers(struct stand *stand)
{
	stand_enter(stand);
	if (mkdir("/written", 0755) < 0 && errno != EEXIST)
		_exit(1);
	if (chdir("/written") < 0)
		_exit(1);
	for (unsigned process = 0; process < PROCESSES; process++) {
		if (fork() != 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_on(process);
	}
	wait(NULL); /* nobody is to fail */
	_exit(1);
}

static void put_source(const char *image, const char *name)
{
	cleanup_free char *path = text_format("%s/%s", image, name);
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char bytes[4096];

	assert_true(fd >= 0);
	for (size_t i = 0; i < WRITERS_SOURCE_SIZE / sizeof(bytes); i++) {
		memset(bytes, (int)i, sizeof(bytes));
		assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	}
}

static void put_sources(const char *image)
{
	put_source(image, WRITERS_SOURCE);
	put_source(image, WRITERS_SOURCE ".low");
}

static void be_idle(struct stand *stand)
{
	stand_enter(stand);
	for (;;)
		pause();
}

/* A file that gets its name late is known by no path, and on btrfs by no number either: then the freeze walks. */
static void check_nameless(struct stand *stand)
{
	nameless = true;
	stand_stop(stand);
	stand_live(stand, be_writers);
	stand_take(stand);
	nameless = false;
}

static void check_told(struct stand *stand)
{
	stand_stop(stand);
	stand_live(stand, be_writers);
	for (unsigned i = 0; i < version_count; i++)
		stand_take(stand);
	/* The walk in the freeze would find what nobody has told. */
	assert_int_equal(stand->walked, 0);
}

/* What lands after the freeze without a new time is found by the next version. */
static void check_in_flight(struct stand *stand)
{
	in_flight = true;
	for (unsigned i = 0; i < version_count; i++) {
		stand_stop(stand);
		stand_live(stand, be_writers);
		stand_take_blindly(stand);
		stand_stop(stand);
		stand_live(stand, be_idle);
		stand_take(stand);
	}
	in_flight = false;
}

static void check_on(const char *type)
{
	struct stand stand;

	clones = strcmp(type, "ext4") != 0;
	numbered = strcmp(type, "btrfs") != 0;
	if (alone && strcmp(alone, "clone") == 0 && !clones)
		return;
	stand_make(&stand, type, 1, put_sources, be_idle);
	if (!alone || told(alone))
		check_told(&stand);
	if (!alone || !told(alone)) {
		check_nameless(&stand);
		check_in_flight(&stand);
	}
	stand_end(&stand);
}

static void check_each_on(const char *type)
{
	if (!only) {
		check_on(type);
		return;
	}
	for (char **name = only; *name; name++) {
		print_message("%s: %s\n", type, *name);
		alone = *name;
		check_on(type);
	}
}

static void test_ext4(void **state)
{
	(void)state;
	check_each_on("ext4");
}

static void test_xfs(void **state)
{
	(void)state;
	check_each_on("xfs");
}

static void test_btrfs(void **state)
{
	(void)state;
	check_each_on("btrfs");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ext4),
		cmocka_unit_test(test_xfs),
		cmocka_unit_test(test_btrfs),
	};

	if (argc > 1)
		version_count = (unsigned)atoi(argv[1]);
	if (argc > 2)
		only = argv + 2;
	log_set_level(LOG_VERBOSE); /* why a freeze had to walk */
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
