/* Somebody else pauses the workspace while a live version is taken, or processes come into it while it stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/sign.h"
#include "support/files.h"
#include "support/live_stand.h"
#include "support/scratch.h"

#define FREEZER "/sys/fs/cgroup/freezer"

/* Another group of the same processes, in the hierarchy of version 1's freezer. */
static char old_group[128];
static char sign[PATH_MAX + 8];

static void make_old_group(void)
{
	snprintf(old_group, sizeof(old_group), FREEZER "/wsnap-paused-%d", getpid());
	if (mkdir(old_group, 0755) < 0)
		skip();
}

static void remove_old_group(void)
{
	for (int try = 0; rmdir(old_group) < 0 && try < 100; try++)
		clock_sleep_ms(10);
}

static void join(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);

	files_write(path, "0");
}

static void be_in_both(struct stand *stand)
{
	join(old_group);
	stand_be_quiet(stand);
}

static void assert_says(const char *path, const char *word)
{
	cleanup_file FILE *file = fopen(path, "re");
	char line[16];

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	line[strcspn(line, "\n")] = '\0';
	assert_string_equal(line, word);
}

/* How somebody pauses it, and what the file says then. */
struct pause_way {
	char file[160];
	const char *word, *resume;
	bool done;
};

static void pause_it(struct pause_way *way)
{
	files_write(way->file, way->word);
	way->done = true;
}

/* Once it is known that nobody has, and before the passes over the running workspace. */
static int pause_when_begun(const char *folder, void *context, struct error *err)
{
	(void)folder;
	pause_it(context);
	return sign_open(AT_FDCWD, sign, false, err);
}

static struct live_result take(struct stand *stand, struct live_request *request)
{
	cleanup_free char *layer = text_format("%s/paused", stand->filesystem.root);
	struct live_result result;
	struct error err = { 0 };
	struct live *live = NULL;
	bool has_tip, again;

	assert_int_equal(mkdir(layer, 0755), 0);
	assert_int_equal(live_begin(request, &live, &has_tip, &err), 0);
	if (live_take(live, request->upper ? layer : NULL, &result, &again, &err) < 0)
		fail_msg("%s", err.message);
	live_end(live);
	return result;
}

static void check_paused(struct pause_way *way, const struct live_result *result)
{
	assert_true(way->done);
	assert_says(way->file, way->word);
	assert_true(result->frozen_ms == 0);
	files_write(way->file, way->resume);
}

static struct pause_way unified_pause(const struct stand *stand)
{
	struct pause_way way = { .word = "1", .resume = "0" };

	snprintf(way.file, sizeof(way.file), "%s/cgroup.freeze", stand->group);
	return way;
}

static struct pause_way old_pause(void)
{
	struct pause_way way = { .word = "FROZEN", .resume = "THAWED" };

	snprintf(way.file, sizeof(way.file), "%s/freezer.state", old_group);
	return way;
}

static void check_version(struct stand *stand, struct pause_way *way)
{
	struct live_request request = stand_request(stand);
	struct live_result result;

	request.note_freezer = pause_when_begun;
	request.context = way;
	request.max_freeze_ms = 3000;
	snprintf(sign, sizeof(sign), "%s/sign", stand->filesystem.root);
	result = take(stand, &request);
	assert_true(sign_says_thawed(AT_FDCWD, sign));
	check_paused(way, &result);
}

static void test_a_pause_during_the_first_pass_stays(void **state)
{
	struct stand stand;
	struct pause_way way;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	way = unified_pause(&stand);
	check_version(&stand, &way);
	stand_end(&stand);
}

/* As containerd pauses on a host with both hierarchies. */
static void test_a_pause_through_the_other_hierarchy_stays(void **state)
{
	struct stand stand;
	struct pause_way way;

	(void)state;
	make_old_group();
	stand_make(&stand, "ext4", 1, NULL, be_in_both);
	way = old_pause();
	check_version(&stand, &way);
	way = unified_pause(&stand);
	assert_says(way.file, "0");
	stand_end(&stand);
	remove_old_group();
}

static void test_a_pause_in_version_1_alone_stays(void **state)
{
	struct stand stand;
	struct pause_way way;
	cleanup_free char *pid = NULL;

	(void)state;
	make_old_group();
	stand_make(&stand, "ext4", 1, NULL, be_in_both);
	pid = text_format("%d", stand.pid);
	files_write("/sys/fs/cgroup/unified/cgroup.procs", pid);
	way = old_pause();
	check_version(&stand, &way);
	stand_end(&stand);
	remove_old_group();
}

/* --- a change --------------------------------------------------------------------------------------------------- */

struct changing {
	struct pause_way way;
	bool fails; /* make() does, so that the guard has to finish it */
	char *made; /* what either makes */
};

static int pause_while_it_looks(void *context, struct error *err)
{
	struct changing *changing = context;

	(void)err;
	pause_it(&changing->way);
	return 0;
}

static int finish(void *context)
{
	struct changing *changing = context;

	return mkdir(changing->made, 0755);
}

static int make(void *context, struct error *err)
{
	struct changing *changing = context;

	return changing->fails || finish(context) < 0 ? error_set(err, ERROR_FAILED, "it does not want to") : 0;
}

static void check_change(bool fails)
{
	struct changing changing = { .fails = fails };
	struct live_change change = stand_change(&changing);
	struct live_request request;
	struct live_result result;
	struct stand stand;

	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	changing.way = unified_pause(&stand);
	changing.made = text_format("%s/made", stand.filesystem.root);
	request = stand_request(&stand);
	change.look = pause_while_it_looks;
	change.make = make;
	change.finish = finish;
	request.change = &change;
	result = take(&stand, &request);
	assert_int_equal(access(changing.made, F_OK), 0);
	check_paused(&changing.way, &result);
	free(changing.made);
	stand_end(&stand);
}

static void test_a_pause_stays_behind_a_change(void **state)
{
	(void)state;
	check_change(false);
}

static void test_a_pause_stays_behind_a_change_that_the_guard_makes(void **state)
{
	(void)state;
	check_change(true);
}

/* --- a process that comes ---------------------------------------------------------------------------------------- */

#define LONG_WRITE (64 << 20)

/* It is inside of a system call nearly all of the time, and does not stand still before that returns. */
static pid_t begin_visitor(void)
{
	pid_t pid = fork();
	char *bytes;
	int file;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bytes = calloc(1, LONG_WRITE);
	file = memfd_create("long", MFD_CLOEXEC);
	for (;;)
		if (pwrite(file, bytes, LONG_WRITE, 0) < 0)
			_exit(1);
}

static void end_visitor(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct visit {
	char procs[160];
	pid_t visitor;
	bool made;
};

static int come_in(void *context, struct error *err)
{
	struct visit *visit = context;
	cleanup_free char *pid = text_format("%d", visit->visitor);

	(void)err;
	files_write(visit->procs, pid);
	return 0;
}

static struct visit visit_begin(const struct stand *stand)
{
	struct visit visit = { .visitor = begin_visitor() };

	snprintf(visit.procs, sizeof(visit.procs), "%s/cgroup.procs", stand->group);
	clock_sleep_ms(100);
	return visit;
}

static void test_who_comes_into_the_freeze_has_thawed_nothing(void **state)
{
	struct live_request request;
	struct visit visit;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	visit = visit_begin(&stand);
	request = stand_request(&stand);
	request.inspect = come_in;
	request.context = &visit;
	take(&stand, &request);
	end_visitor(visit.visitor);
	stand_end(&stand);
}

static int note_made(void *context, struct error *err)
{
	struct visit *visit = context;

	(void)err;
	visit->made = true;
	return 0;
}

static void test_who_comes_before_a_change_does_not_hinder_it(void **state)
{
	struct visit visit;
	struct live_change change = stand_change(&visit);
	struct live_request request;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	visit = visit_begin(&stand);
	request = stand_request(&stand);
	change.ready = come_in;
	change.make = note_made;
	request.change = &change;
	take(&stand, &request);
	assert_true(visit.made);
	end_visitor(visit.visitor);
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pause_during_the_first_pass_stays),
		cmocka_unit_test(test_a_pause_through_the_other_hierarchy_stays),
		cmocka_unit_test(test_a_pause_in_version_1_alone_stays),
		cmocka_unit_test(test_a_pause_stays_behind_a_change),
		cmocka_unit_test(test_a_pause_stays_behind_a_change_that_the_guard_makes),
		cmocka_unit_test(test_who_comes_into_the_freeze_has_thawed_nothing),
		cmocka_unit_test(test_who_comes_before_a_change_does_not_hinder_it),
	};

	if (geteuid() != 0)
		return 0;
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
