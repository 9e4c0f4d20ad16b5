/* Whoever lets a workspace stand still gets a processor before others, whatever priority wsnap was called with; not for longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "live/urgency.h"
#include "support/live_stand.h"
#include "support/scratch.h"

#define OURS 10
#define HIGHEST (-20)

static void be(int policy, int nice)
{
	assert_int_equal(sched_setscheduler(0, policy, &(struct sched_param){ 0 }), 0);
	assert_int_equal(setpriority(PRIO_PROCESS, 0, nice), 0);
}

static void check_is(int policy, int nice)
{
	assert_int_equal(sched_getscheduler(0), policy);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), nice);
}

static void test_as_before(void **state)
{
	static const int policies[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE };

	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(*policies); i++) {
		struct urgency urgency = { 0 };

		be(policies[i], OURS);
		urgency_begin(&urgency);
		urgency_begin(&urgency);
		check_is(SCHED_OTHER, HIGHEST);
		urgency_end(&urgency);
		urgency_end(&urgency);
		check_is(policies[i], OURS);
	}
	be(SCHED_OTHER, 0);
}

static void test_real_time_stays(void **state)
{
	struct urgency urgency = { 0 };

	(void)state;
	if (sched_setscheduler(0, SCHED_RR, &(struct sched_param){ .sched_priority = 1 }) < 0)
		skip();
	urgency_begin(&urgency);
	assert_int_equal(sched_getscheduler(0), SCHED_RR);
	urgency_end(&urgency);
	assert_int_equal(sched_getscheduler(0), SCHED_RR);
	be(SCHED_OTHER, 0);
}

static const struct stand *standing;

struct look {
	int ours, guards; /* as nice(1) tells them */
	int result;
};

static int look(void *context, struct error *err)
{
	struct look *look = context;

	look->ours = getpriority(PRIO_PROCESS, 0);
	look->guards = getpriority(PRIO_PROCESS, (id_t)stand_find_guard(standing));
	return look->result < 0 ? error_set(err, ERROR_FAILED, "the test wants it so") : 0;
}

static void take(const struct stand *stand, const char *name, int result)
{
	cleanup_free char *layer = text_format("%s/%s", stand->filesystem.root, name);
	struct live_request request = stand_request(stand);
	struct look seen = { .result = result };
	struct live_result taken;
	struct error err = { 0 };
	struct live *live = NULL;
	bool has_tip, again;

	request.inspect = look;
	request.context = &seen;
	assert_int_equal(mkdir(layer, 0755), 0);
	assert_int_equal(live_begin(&request, &live, &has_tip, &err), 0);
	assert_int_equal(live_take(live, layer, &taken, &again, &err), result);
	live_end(live);
	assert_int_equal(seen.ours, HIGHEST);
	assert_int_equal(seen.guards, HIGHEST);
	check_is(SCHED_OTHER, OURS);
}

static void test_in_the_freeze(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	standing = &stand;
	be(SCHED_OTHER, OURS);
	take(&stand, "done", 0);
	take(&stand, "failed", -1);
	be(SCHED_OTHER, 0);
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_before),
		cmocka_unit_test(test_real_time_stays),
		cmocka_unit_test(test_in_the_freeze),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
