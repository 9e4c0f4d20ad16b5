/* Freezing a control group, and the guard that thaws it whatever becomes of wsnap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
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
#include "live/freezer.h"
#include "live/guard.h"
#include "live/runtime.h"
#include "support/files.h"

/* A group of one hierarchy, with a process that beats. */
struct stand {
	char *group;
	pid_t pid;
	atomic_ulong *beats;
};

static const char *const hierarchies[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/freezer" };
static unsigned number;

static bool has_freezer(const char *group)
{
	cleanup_free char *freeze = text_format("%s/cgroup.freeze", group);
	cleanup_free char *state = text_format("%s/freezer.state", group);

	return access(freeze, F_OK) == 0 || access(state, F_OK) == 0;
}

static void join(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);

	files_write(path, "0");
}

static void stand_begin(struct stand *stand, const char *hierarchy)
{
	stand->group = text_format("%s/wsnap-freeze-%d-%u", hierarchy, getpid(), number++);
	if (mkdir(stand->group, 0755) < 0 || !has_freezer(stand->group)) {
		rmdir(stand->group);
		skip();
	}
	stand->beats = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	stand->pid = fork();
	if (stand->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		join(stand->group);
		for (;;) {
			atomic_fetch_add(stand->beats, 1);
			usleep(1000);
		}
	}
	while (atomic_load(stand->beats) < 5)
		usleep(1000);
}

static void stand_end(struct stand *stand)
{
	kill(stand->pid, SIGKILL);
	assert_int_equal(waitpid(stand->pid, NULL, 0), stand->pid);
	while (rmdir(stand->group) < 0)
		usleep(1000);
	munmap(stand->beats, 4096);
	free(stand->group);
}

static bool beats(const struct stand *stand)
{
	unsigned long before = atomic_load(stand->beats);

	usleep(60000);
	return atomic_load(stand->beats) != before;
}

/* Beside others that want the processor, its next beat may take long. */
static bool goes_on(const struct stand *stand)
{
	unsigned tries = 0;

	while (!beats(stand) && tries < 200)
		tries++;
	return tries < 200;
}

static void check_freezes(const char *hierarchy)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	struct error err = { 0 };
	struct stand stand;

	stand_begin(&stand, hierarchy);
	assert_int_equal(freezer_open(&freezer, stand.group, &err), 0);
	assert_int_equal(freezer_is_frozen(&freezer, &err), 0);
	assert_int_equal(freezer_freeze(&freezer, 1000, &err), 1);
	assert_int_equal(freezer_is_frozen(&freezer, &err), 1);
	assert_false(beats(&stand));
	assert_int_equal(freezer_thaw(&freezer, &err), 0);
	assert_true(goes_on(&stand));
	stand_end(&stand);
}

static void test_unified(void **state)
{
	(void)state;
	check_freezes(hierarchies[0]);
}

static void test_only_unified(void **state)
{
	(void)state;
	check_freezes(hierarchies[1]);
}

static void test_version_1(void **state)
{
	(void)state;
	check_freezes(hierarchies[2]);
}

/* Beside others that want the processor, a process may take long to come to rest. */
static int64_t settle(int runtime)
{
	int64_t before, now = runtime_settled(runtime);
	unsigned looks = 0;

	assert_true(now >= 0);
	do {
		assert_true(looks++ < 100);
		before = now;
		usleep(5000);
		now = runtime_settled(runtime);
	} while (now != before);
	return now;
}

/* Frozen, it stays what it is; as soon as one of its processes has run it has grown. */
static void check_runtime(const struct stand *stand)
{
	cleanup_fd int runtime = runtime_open((uint32_t)stand->pid);
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	struct error err = { 0 };
	unsigned long beat;
	int64_t after;

	assert_true(runtime >= 0);
	assert_int_equal(freezer_open(&freezer, stand->group, &err), 0);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(freezer_freeze(&freezer, 5000, &err), 1);
		after = settle(runtime);
		beat = atomic_load(stand->beats);
		assert_int_equal(freezer_thaw(&freezer, &err), 0);
		while (atomic_load(stand->beats) == beat)
			usleep(10);
		assert_int_equal(freezer_freeze(&freezer, 5000, &err), 1);
		assert_true(runtime_settled(runtime) > after);
		assert_int_equal(freezer_thaw(&freezer, &err), 0);
	}
}

static void test_runtime_unified(void **state)
{
	struct stand stand;

	(void)state;
	stand_begin(&stand, "/sys/fs/cgroup/unified");
	check_runtime(&stand);
	stand_end(&stand);
}

static void test_runtime_version_1(void **state)
{
	cleanup_free char *group = text_format("/sys/fs/cgroup/cpuacct/wsnap-runtime-%d", getpid());
	cleanup_free char *procs = text_format("%s/cgroup.procs", group);
	struct stand stand;
	char pid[16];

	(void)state;
	if (mkdir(group, 0755) < 0)
		skip();
	stand_begin(&stand, "/sys/fs/cgroup/freezer");
	snprintf(pid, sizeof(pid), "%d", stand.pid);
	files_write(procs, pid);
	check_runtime(&stand);
	stand_end(&stand);
	while (rmdir(group) < 0)
		usleep(1000);
}

/* One that has no group of its own: whatever else runs would count as well. */
static void test_no_runtime_of_others(void **state)
{
	(void)state;
	assert_int_equal(runtime_open((uint32_t)getpid()), -1);
}

static void test_whoever_would_thaw_is_not_frozen(void **state)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	struct error err = { 0 };
	struct stand stand;
	uint32_t pid, self = (uint32_t)getpid();

	(void)state;
	stand_begin(&stand, hierarchies[0]);
	pid = (uint32_t)stand.pid;
	assert_int_equal(freezer_find(&freezer, &pid, 1, &self, 1, &err), 0);
	assert_string_equal(freezer.folder, stand.group);
	freezer_release(&freezer);
	/* One of those that must not be frozen is in the group. */
	assert_int_equal(freezer_find(&freezer, &pid, 1, &pid, 1, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	/* Of a process that shares our own group there is none. */
	assert_int_equal(freezer_find(&freezer, &self, 1, &self, 1, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	stand_end(&stand);
}

static void test_the_guard_thaws_when_time_is_over(void **state)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	cleanup_guard struct guard guard = GUARD_NONE;
	struct error err = { 0 };
	struct stand stand;
	double since_ms;

	(void)state;
	stand_begin(&stand, hierarchies[0]);
	assert_int_equal(freezer_open(&freezer, stand.group, &err), 0);
	assert_int_equal(guard_begin(&guard, &freezer, NULL, &err), 0);
	assert_int_equal(guard_arm(&guard, 150, &err), 0);
	since_ms = clock_monotonic_ms();
	assert_int_equal(freezer_freeze(&freezer, 100, &err), 1);
	assert_false(guard_has_thawed(&guard));
	while (freezer_is_frozen(&freezer, &err) == 1)
		usleep(1000);
	assert_true(clock_monotonic_ms() - since_ms >= 140);
	assert_true(guard_has_thawed(&guard));
	assert_true(goes_on(&stand));
	stand_end(&stand);
}

/* A child is wsnap here: it freezes, and is killed. */
static void die_frozen(const struct stand *stand, int signal)
{
	struct freezer freezer = FREEZER_NONE;
	struct guard guard = GUARD_NONE;
	struct error err = { 0 };

	if (freezer_open(&freezer, stand->group, &err) < 0 || guard_begin(&guard, &freezer, NULL, &err) < 0 ||
	    guard_arm(&guard, 60000, &err) < 0 || freezer_freeze(&freezer, 1000, &err) != 1)
		_exit(1);
	if (signal == SIGSTOP)
		guard_arm(&guard, 200, &err);
	kill(getpid(), signal);
	_exit(2);
}

static void check_death(int signal)
{
	struct stand stand;
	pid_t wsnap;
	int status;

	stand_begin(&stand, hierarchies[0]);
	wsnap = fork();
	if (wsnap == 0)
		die_frozen(&stand, signal);
	assert_int_equal(waitpid(wsnap, &status, WUNTRACED), wsnap);
	assert_true(signal == SIGSTOP ? WIFSTOPPED(status) : WIFSIGNALED(status));
	clock_sleep_ms(400);
	assert_true(goes_on(&stand));
	if (signal == SIGSTOP) {
		kill(wsnap, SIGKILL);
		assert_int_equal(waitpid(wsnap, &status, 0), wsnap);
	}
	stand_end(&stand);
}

static void test_the_guard_thaws_when_wsnap_is_killed(void **state)
{
	(void)state;
	check_death(SIGKILL);
}

static void test_the_guard_thaws_when_wsnap_is_stopped(void **state)
{
	(void)state;
	check_death(SIGSTOP);
}

static void test_a_guard_that_was_killed_is_missed_before_a_freeze(void **state)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	cleanup_guard struct guard guard = GUARD_NONE;
	struct error err = { 0 };
	struct stand stand;

	(void)state;
	stand_begin(&stand, hierarchies[0]);
	assert_int_equal(freezer_open(&freezer, stand.group, &err), 0);
	assert_int_equal(guard_begin(&guard, &freezer, NULL, &err), 0);
	kill(guard.pid, SIGKILL);
	clock_sleep_ms(50);
	assert_int_equal(guard_arm(&guard, 100, &err), -1);
	assert_string_equal(err.message, "the guard of the frozen workspace was killed");
	stand_end(&stand);
}

/* What a guard with a duty has done, in memory that it shares with the test. */
struct deeds {
	atomic_int finished, settled, given_up;
	atomic_ulong *beats; /* of the process that must stand still meanwhile; or NULL */
};

static int note_finished(void *context)
{
	struct deeds *deeds = context;
	unsigned long before = deeds->beats ? atomic_load(deeds->beats) : 0;

	clock_sleep_ms(deeds->beats ? 60 : 0);
	if (deeds->beats && atomic_load(deeds->beats) != before)
		return -1;
	atomic_fetch_add(&deeds->finished, 1);
	return 0;
}

static int note_settled(void *context)
{
	struct deeds *deeds = context;

	atomic_fetch_add(&deeds->settled, 1);
	return 0;
}

static int note_given_up(void *context)
{
	struct deeds *deeds = context;

	atomic_fetch_add(&deeds->given_up, 1);
	return 0;
}

static struct deeds *deeds_begin(struct guard_duty *duty)
{
	struct deeds *deeds = mmap(NULL, sizeof(*deeds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(deeds != MAP_FAILED);
	*duty = (struct guard_duty){ .finish = note_finished,
				     .settle = note_settled,
				     .give_up = note_given_up,
				     .context = deeds,
				     .kept = { -1, -1, -1, -1, -1, -1, -1, -1 } };
	return deeds;
}

static void assert_deeds(struct deeds *deeds, int finished, int given_up)
{
	assert_int_equal(atomic_load(&deeds->finished), finished);
	assert_int_equal(atomic_load(&deeds->settled), finished);
	assert_int_equal(atomic_load(&deeds->given_up), given_up);
	munmap(deeds, sizeof(*deeds));
}

static void test_who_is_late_cannot_commit(void **state)
{
	cleanup_freezer struct freezer freezer = FREEZER_NONE;
	cleanup_guard struct guard guard = GUARD_NONE;
	struct error err = { 0 };
	struct guard_duty duty;
	struct deeds *deeds = deeds_begin(&duty);
	struct stand stand;

	(void)state;
	stand_begin(&stand, hierarchies[0]);
	assert_int_equal(freezer_open(&freezer, stand.group, &err), 0);
	assert_int_equal(guard_begin(&guard, &freezer, &duty, &err), 0);
	assert_int_equal(guard_arm(&guard, 100, &err), 0);
	assert_int_equal(freezer_freeze(&freezer, 1000, &err), 1);
	clock_sleep_ms(300);
	assert_int_equal(guard_commit(&guard, 1000, &err), -1);
	assert_true(guard_has_thawed(&guard));
	assert_true(goes_on(&stand));
	guard_end(&guard);
	assert_deeds(deeds, 0, 1);
	stand_end(&stand);
}

/* A child is wsnap again, and is killed before or behind the commit, its time long over then. */
static void check_commit(bool commits)
{
	struct guard_duty duty;
	struct deeds *deeds = deeds_begin(&duty);
	struct stand stand;
	pid_t wsnap;
	int status;

	stand_begin(&stand, hierarchies[0]);
	wsnap = fork();
	if (wsnap == 0) {
		struct freezer freezer = FREEZER_NONE;
		struct guard guard = GUARD_NONE;
		struct error err = { 0 };

		if (freezer_open(&freezer, stand.group, &err) < 0 || guard_begin(&guard, &freezer, &duty, &err) < 0 ||
		    guard_arm(&guard, 300, &err) < 0 || freezer_freeze(&freezer, 1000, &err) != 1 ||
		    (commits && guard_commit(&guard, 1000, &err) < 0))
			_exit(1);
		if (commits)
			clock_sleep_ms(600);
		if (guard_has_thawed(&guard))
			_exit(3);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(wsnap, &status, 0), wsnap);
	assert_true(WIFSIGNALED(status));
	clock_sleep_ms(200);
	assert_true(goes_on(&stand));
	assert_deeds(deeds, commits, !commits);
	stand_end(&stand);
}

static void test_what_is_committed_is_finished(void **state)
{
	(void)state;
	check_commit(true);
}

static void test_what_is_not_committed_is_given_up(void **state)
{
	(void)state;
	check_commit(false);
}

/* A child is the wsnap that finishes what an earlier one has begun, and is killed between its order and the freeze: somebody
 * has let the workspace run since. */
static void test_what_is_finished_later_is_finished_over_a_frozen_one(void **state)
{
	struct guard_duty duty;
	struct deeds *deeds = deeds_begin(&duty);
	struct stand stand;
	pid_t wsnap;
	int status;

	(void)state;
	stand_begin(&stand, hierarchies[0]);
	deeds->beats = stand.beats;
	duty.committed = true;
	wsnap = fork();
	if (wsnap == 0) {
		struct freezer freezer = FREEZER_NONE;
		struct guard guard = GUARD_NONE;
		struct error err = { 0 };

		if (freezer_open(&freezer, stand.group, &err) < 0 || guard_begin(&guard, &freezer, &duty, &err) < 0 ||
		    guard_commit(&guard, 1000, &err) < 0)
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(wsnap, &status, 0), wsnap);
	assert_true(WIFSIGNALED(status));
	clock_sleep_ms(500);
	assert_true(goes_on(&stand));
	assert_deeds(deeds, 1, 0);
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unified),
		cmocka_unit_test(test_only_unified),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_runtime_unified),
		cmocka_unit_test(test_runtime_version_1),
		cmocka_unit_test(test_no_runtime_of_others),
		cmocka_unit_test(test_whoever_would_thaw_is_not_frozen),
		cmocka_unit_test(test_the_guard_thaws_when_time_is_over),
		cmocka_unit_test(test_the_guard_thaws_when_wsnap_is_killed),
		cmocka_unit_test(test_the_guard_thaws_when_wsnap_is_stopped),
		cmocka_unit_test(test_a_guard_that_was_killed_is_missed_before_a_freeze),
		cmocka_unit_test(test_who_is_late_cannot_commit),
		cmocka_unit_test(test_what_is_committed_is_finished),
		cmocka_unit_test(test_what_is_not_committed_is_given_up),
		cmocka_unit_test(test_what_is_finished_later_is_finished_over_a_frozen_one),
	};

	if (geteuid() != 0)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
