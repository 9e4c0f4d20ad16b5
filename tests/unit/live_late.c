/* How long a freeze may last holds also where the guard, which thaws the workspace then, comes late itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "support/live_stand.h"
#include "support/scratch.h"

#define MAX_FREEZE_MS 100
#define LONGER_MS 150
#define GUARD_RESTS_MS 3000

struct delay {
	pid_t waker; /* lets the guard go on */
	bool made;
};

static const struct stand *standing;

/* In the freeze: the guard gets no processor, and what is to be done takes longer than it may. */
static int delay(void *context, struct error *err)
{
	struct delay *delayed = context;
	pid_t guard = stand_find_guard(standing);

	(void)err;
	assert_int_equal(kill(guard, SIGSTOP), 0);
	delayed->waker = fork();
	if (delayed->waker == 0) {
		clock_sleep_ms(GUARD_RESTS_MS);
		kill(guard, SIGCONT);
		_exit(0);
	}
	clock_sleep_ms(LONGER_MS);
	return 0;
}

static void check_refused(const struct stand *stand, struct live_request *request, const char *what)
{
	cleanup_free char *layer = text_format("%s/late", stand->filesystem.root);
	struct live_result result;
	struct error err = { 0 };
	struct live *live = NULL;
	bool has_tip, again;

	request->max_freeze_ms = MAX_FREEZE_MS;
	assert_int_equal(mkdir(layer, 0755), 0);
	assert_int_equal(live_begin(request, &live, &has_tip, &err), 0);
	assert_int_equal(live_take(live, layer, &result, &again, &err), -1);
	live_end(live);
	assert_non_null(strstr(err.message, what));
	assert_non_null(strstr(err.message, "within 100 ms"));
	assert_non_null(strstr(err.hint, "--max-freeze"));
}

static void test_a_version_that_took_too_long_is_none(void **state)
{
	struct delay delayed = { 0 };
	struct live_request request;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	standing = &stand;
	request = stand_request(&stand);
	request.inspect = delay;
	request.context = &delayed;
	check_refused(&stand, &request, "it could not be saved");
	assert_int_equal(waitpid(delayed.waker, NULL, 0), delayed.waker);
	stand_end(&stand);
}

static int make(void *context, struct error *err)
{
	struct delay *delayed = context;

	(void)err;
	delayed->made = true;
	return 0;
}

static void test_a_change_that_would_begin_too_late_is_not_made(void **state)
{
	struct delay delayed = { 0 };
	struct live_change change = stand_change(&delayed);
	struct live_request request;
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, stand_be_quiet);
	standing = &stand;
	request = stand_request(&stand);
	change.ready = delay;
	change.make = make;
	request.change = &change;
	check_refused(&stand, &request, "what was to be changed was not ready");
	assert_false(delayed.made);
	assert_int_equal(waitpid(delayed.waker, NULL, 0), delayed.waker);
	stand_end(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_version_that_took_too_long_is_none),
		cmocka_unit_test(test_a_change_that_would_begin_too_late_is_not_made),
	};

	if (geteuid() != 0)
		return 0;
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
