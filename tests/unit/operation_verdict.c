/* What a failing step means: every set of facts that can come together, against the rules in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "operation/steps.h"
#include "operation/verdict.h"

struct expected {
	enum verdict_action action;
	const char *said;
};

static struct expected leave(const char *said)
{
	return (struct expected){ VERDICT_LEAVE, said };
}

static struct expected act(enum verdict_action action)
{
	return (struct expected){ action, NULL };
}

static struct expected expected_back(unsigned facts)
{
	if ((facts & FACT_UNTOUCHED) && !(facts & FACT_MONITORED) && (facts & FACT_CONTAINERD))
		return act(VERDICT_LEAVE_TIDYING);
	if ((facts & FACT_PENDS) && !(facts & FACT_CONTAINERD))
		return act(VERDICT_LEAVE_START);
	if (facts & FACT_ORPHANED)
		return leave("is not ours any more, and what was saved of it is not recorded yet");
	if (!(facts & FACT_UP) || ((facts & FACT_UNHELD) && (facts & FACT_MONITORED)))
		return leave("is not as it was yet");
	if (!(facts & FACT_RECORDED) && (facts & FACT_SAVES))
		return leave("is back as it was, but what it saved is not recorded yet");
	return leave("is back as it was, but not all is tidied up");
}

static struct expected expected_before(unsigned facts)
{
	if (facts & FACT_RESUMED)
		return leave("has an operation that is not ended yet");
	return act(facts & FACT_FORGETS ? VERDICT_FORGET : VERDICT_TAKE_BACK);
}

static struct expected expected_down(unsigned facts)
{
	if (facts & FACT_EFFECT_UNKNOWN) {
		if (facts & FACT_STOP_SENT)
			return leave("is down");
		return leave(facts & FACT_RESUMED ? "may be down" : "was not stopped, but its operation is not ended");
	}
	if (facts & FACT_EFFECT_NONE)
		return act(VERDICT_TAKE_BACK);
	if (!(facts & FACT_CONTAINERD)) {
		if ((facts & FACT_ROLLBACK) && !(facts & FACT_USED))
			return act(VERDICT_GIVE_UP);
		if (facts & FACT_PENDS)
			return act(VERDICT_LEAVE_START);
	}
	if (facts & FACT_SAVES)
		return leave("is saved, but is down");
	return leave(facts & FACT_ROLLBACK ? "was rolled back, but is down" : "is compacted, but is down");
}

static struct expected expected_up(unsigned facts)
{
	if (facts & FACT_RECORDED)
		return leave("is back and what was done is recorded, but not all is tidied up");
	return leave(facts & FACT_SAVES ? "is back and its state is saved, but that is not recorded yet"
					: "is back, but what was done is not recorded yet");
}

static struct expected expected_of(unsigned facts)
{
	if (facts & FACT_INCOMPLETE)
		return act(VERDICT_REPORT);
	if (facts & FACT_BACK)
		return expected_back(facts);
	if (facts & FACT_ORPHANED)
		return act(VERDICT_REPORT);
	if (facts & FACT_BEFORE)
		return expected_before(facts);
	return facts & FACT_DOWN ? expected_down(facts) : expected_up(facts);
}

/* The steps' failures as the table of steps has them: phase and what is particular. */
static unsigned facts_of_step(enum step_id id)
{
	static const unsigned phases[] = { FACT_BEFORE, FACT_DOWN, FACT_UP };
	static const unsigned failures[] = { 0, FACT_FORGETS, FACT_PENDS, FACT_UNHELD };

	return phases[steps[id].phase] | failures[steps[id].failure];
}

typedef void (*each_facts)(unsigned facts, void *context);

/* Every set of facts about the operation and the run that can come together, for one step and one kind of failure. */
static void each_circumstance(unsigned step, each_facts each, void *context)
{
	static const unsigned free_facts[] = { FACT_BACK,    FACT_UNTOUCHED, FACT_ROLLBACK,
					       FACT_SAVES,   FACT_RECORDED,  FACT_MONITORED,
					       FACT_RESUMED, FACT_STOP_SENT, FACT_ORPHANED };
	static const unsigned effects[] = { FACT_EFFECT_UNKNOWN, FACT_EFFECT_NONE, FACT_EFFECT_TAKEN,
					    FACT_EFFECT_TAKEN | FACT_USED };
	const unsigned count = sizeof(free_facts) / sizeof(*free_facts);

	for (unsigned set = 0; set < 1u << count; set++) {
		unsigned facts = step;

		for (unsigned i = 0; i < count; i++)
			facts |= set & 1u << i ? free_facts[i] : 0;
		if (!(facts & FACT_DOWN) || (facts & (FACT_BACK | FACT_INCOMPLETE))) {
			each(facts, context);
			continue;
		}
		for (unsigned i = 0; i < 4; i++)
			each(facts | effects[i], context);
	}
}

static void each_cell(each_facts each, void *context)
{
	static const unsigned failures[] = { 0, FACT_INCOMPLETE, FACT_CONTAINERD };

	for (enum step_id id = 0; id < STEP_COUNT; id++)
		for (unsigned i = 0; i < 3; i++)
			each_circumstance(facts_of_step(id) | failures[i], each, context);
}

static void check_cell(unsigned facts, void *context)
{
	const struct verdict *found = verdict_of(facts);
	struct expected wanted = expected_of(facts);
	bool same = found->action == wanted.action && !found->said == !wanted.said &&
		    (!found->said || strcmp(found->said, wanted.said) == 0);

	if (!same)
		fail_msg("facts %#x: row %td", facts, found - verdicts);
	++*(unsigned *)context;
}

static void test_every_cell(void **state)
{
	unsigned cells = 0;

	(void)state;
	each_cell(check_cell, &cells);
	assert_true(cells > 20000);
}

struct without {
	unsigned row;
	bool missed;
};

static bool fits(const struct verdict *verdict, unsigned facts)
{
	return (verdict->when & facts) == verdict->when && !(verdict->unless & facts);
}

/* Whether the verdict would be another one if this row were not there. */
static void miss_row(unsigned facts, void *context)
{
	struct without *without = context;
	const struct verdict *row = &verdicts[without->row], *next = row + 1;

	if (without->missed || verdict_of(facts) != row)
		return;
	while (next < verdicts + verdict_count && !fits(next, facts))
		next++;
	without->missed = next == verdicts + verdict_count || next->action != row->action || next->said != row->said;
}

static void test_no_row_is_superfluous(void **state)
{
	(void)state;
	for (unsigned row = 0; row < verdict_count; row++) {
		struct without without = { .row = row };

		each_cell(miss_row, &without);
		if (!without.missed)
			fail_msg("without row %u the verdicts are the same", row);
	}
}

/* A verdict of either direction that leads back would lead back for ever. */
static void check_direction(unsigned facts, void *context)
{
	enum verdict_action action = verdict_of(facts)->action;

	(void)context;
	if (facts & FACT_BACK)
		assert_true(action != VERDICT_TAKE_BACK && action != VERDICT_GIVE_UP && action != VERDICT_FORGET);
}

static void test_the_way_back_is_not_turned_around(void **state)
{
	(void)state;
	each_cell(check_direction, NULL);
}

/* What must hold whatever the table says: behind the commit nothing is taken back but a rollback. */
static void check_promise(unsigned facts, void *context)
{
	enum verdict_action action = verdict_of(facts)->action;

	(void)context;
	if ((facts & FACT_EFFECT_TAKEN) && !(facts & FACT_ROLLBACK))
		assert_true(action != VERDICT_TAKE_BACK && action != VERDICT_FORGET && action != VERDICT_GIVE_UP);
	if (facts & FACT_USED)
		assert_true(action != VERDICT_TAKE_BACK && action != VERDICT_GIVE_UP);
	if (!(facts & FACT_BEFORE))
		assert_true(action != VERDICT_FORGET);
}

static void test_what_is_saved_is_not_taken_back(void **state)
{
	(void)state;
	each_cell(check_promise, NULL);
}

static void test_every_step_has_a_row(void **state)
{
	(void)state;
	for (enum step_id id = 0; id < STEP_COUNT; id++) {
		assert_non_null(steps[id].name);
		assert_non_null(steps[id].run);
		for (enum step_id other = 0; other < id; other++)
			assert_string_not_equal(steps[id].name, steps[other].name);
	}
}

/* Phases follow each other, so that a failure in the table's order means what its phase says. */
static void test_phases_are_in_order(void **state)
{
	(void)state;
	for (enum step_id id = 1; id < STEP_COUNT; id++)
		assert_true(steps[id].phase >= steps[id - 1].phase);
}

static void test_every_entry_stands_in_one_row(void **state)
{
	static const struct {
		enum step_entry entry;
		enum step_id first;
	} rows[] = {
		{ ENTRY_BEGINNING, STEP_JOURNAL }, { ENTRY_FORWARD, STEP_LEASE },    { ENTRY_BACK, STEP_PREPARE },
		{ ENTRY_TIDY, STEP_UNHOLD },       { ENTRY_BOOKKEEPING, STEP_SYNC }, { ENTRY_TELL, STEP_RECORD },
		{ ENTRY_LET_GO, STEP_POST_HOOK },
	};
	unsigned all = 0;

	(void)state;
	for (enum step_id id = 0; id < STEP_COUNT; id++) {
		assert_int_equal(all & steps[id].entries, 0);
		all |= steps[id].entries;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(step_first(rows[i].entry), rows[i].first);
		all &= ~(unsigned)rows[i].entry;
	}
	assert_int_equal(all, 0);
}

struct skipping {
	struct record record;
	enum container_found found;
	bool resumed;
	const char *ran; /* first letters of the steps that are not skipped */
};

static void expect_steps(const struct skipping *skipping)
{
	struct record record = skipping->record;
	struct run run = { .record = &record, .found = skipping->found, .resumed = skipping->resumed };
	char ran[256] = "";

	for (enum step_id id = 0; id < STEP_COUNT; id++)
		if (!step_is_skipped(&steps[id], &run))
			snprintf(ran + strlen(ran), sizeof(ran) - strlen(ran), "%s ", steps[id].name);
	assert_string_equal(ran, skipping->ran);
}

static void test_what_is_skipped(void **state)
{
	static char monitored[] = "running", merged[] = "merged";
	const struct skipping all[] = {
		{ .record = { .restart_status = monitored, .merged = merged, .hooked = true },
		  .ran = "journal lease pre_hook blueprint merge hold announce detach stop commit prepare repoint start unhold sync "
			 "record label post_hook release " },
		{ .record = { .kind = OPERATION_VERSION },
		  .ran = "journal lease pre_hook blueprint announce detach stop commit prepare repoint start unhold sync record "
			 "label "
			 "release " },
		{ .record = { .kind = OPERATION_COMPACT, .save = SAVE_NEVER, .merged = merged },
		  .ran = "journal lease pre_hook merge announce detach stop prepare repoint start unhold sync record "
			 "release " },
		{ .record = { .kind = OPERATION_ROLLBACK, .save = SAVE_NEVER },
		  .ran = "journal lease pre_hook announce detach stop prepare repoint start unhold sync record release " },
		{ .record = { .kind = OPERATION_VERSION, .live = true },
		  .ran = "journal lease pre_hook blueprint copy keep unhold sync record label release " },
		{ .record = { .kind = OPERATION_VERSION, .live = true, .turned_back = true, .save = SAVE_NEVER },
		  .resumed = true,
		  .ran = "lease copy unhold sync release " },
		{ .record = { .stage = STAGE_DOWN },
		  .found = FOUND_REPOINTED,
		  .resumed = true,
		  .ran = "lease prepare repoint start unhold sync record label release " },
		{ .record = { .stage = STAGE_DOWN,
			      .turned_back = true,
			      .save = SAVE_NEVER,
			      .restart_status = monitored },
		  .resumed = true,
		  .ran = "lease detach stop prepare repoint start unhold sync release " },
		{ .record = { .stage = STAGE_DOWN, .turned_back = true, .kind = OPERATION_ROLLBACK },
		  .ran = "journal lease pre_hook detach stop commit prepare repoint start unhold sync record label release " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		expect_steps(&all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cell),
		cmocka_unit_test(test_no_row_is_superfluous),
		cmocka_unit_test(test_the_way_back_is_not_turned_around),
		cmocka_unit_test(test_what_is_saved_is_not_taken_back),
		cmocka_unit_test(test_every_step_has_a_row),
		cmocka_unit_test(test_phases_are_in_order),
		cmocka_unit_test(test_every_entry_stands_in_one_row),
		cmocka_unit_test(test_what_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
