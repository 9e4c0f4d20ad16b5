/* What is decided from what was found: words, names, the task that comes back, lineage, and whether layers are merged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "operation/decide.h"
#include "operation/plan_chain.h"
#include "workspace/label_keys.h"

static void test_words_by_kind(void **state)
{
	static const struct {
		struct operation_request request;
		enum save_rule save;
		const char *source, *display_name;
	} all[] = {
		{ { .kind = OPERATION_CREATE }, SAVE_ALWAYS, "manual", NULL },
		{ { .kind = OPERATION_CREATE, .source = "cron", .display_name = "a name" },
		  SAVE_ALWAYS,
		  "cron",
		  "a name" },
		{ { .kind = OPERATION_VERSION }, SAVE_ALWAYS, "pre_exec", NULL },
		{ { .kind = OPERATION_VERSION, .if_changed = true }, SAVE_ALWAYS, "pre_exec", NULL },
		{ { .kind = OPERATION_ROLLBACK }, SAVE_IF_CHANGED, "rollback", NULL },
		{ { .kind = OPERATION_ROLLBACK, .no_save = true }, SAVE_NEVER, "rollback", NULL },
		{ { .kind = OPERATION_COMPACT }, SAVE_NEVER, "compact", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		cleanup_record struct record record = { 0 };
		struct error err = { 0 };

		assert_int_equal(decide_words(&all[i].request, &record, &err), 0);
		assert_int_equal(record.kind, all[i].request.kind);
		assert_int_equal(record.save, all[i].save);
		assert_string_equal(record.source, all[i].source);
		if (all[i].display_name)
			assert_string_equal(record.display_name, all[i].display_name);
		else
			assert_null(record.display_name);
	}
}

static void expect_names(enum operation_kind kind, const char *saved, const char *active, const char *back)
{
	cleanup_record struct record record = { .kind = kind, .created_ns = 17, .container_id = strdup("web") };
	struct error err = { 0 };

	assert_int_equal(decide_names(&record, &err), 0);
	/* Again, as where a name is taken: nothing is left of the first ones. */
	assert_int_equal(decide_names(&record, &err), 0);
	assert_string_equal(record.saved, saved);
	assert_string_equal(record.new_active, active);
	if (back)
		assert_string_equal(record.back_active, back);
	else
		assert_null(record.back_active);
}

static void test_names_by_kind(void **state)
{
	(void)state;
	expect_names(OPERATION_CREATE, "web-snapshot-17", "web-active-17", NULL);
	expect_names(OPERATION_VERSION, "web-v17", "web-active-17", NULL);
	expect_names(OPERATION_ROLLBACK, "web-v17", "web-rollback-17", "web-active-17");
	expect_names(OPERATION_COMPACT, "web-layer-17", "web-active-17", NULL);
}

static void test_all_names_are_asked_for(void **state)
{
	static const char *const wanted[] = { "web-v17", "web-rollback-17", "web-active-17", "web-merged-17" };
	cleanup_record struct record record = { .kind = OPERATION_ROLLBACK,
						.created_ns = 17,
						.container_id = strdup("web") };
	struct decided_names all;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(decide_names(&record, &err), 0);
	assert_int_equal(decide_all_names(&record, &all, &err), 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		size_t at = 0;

		while (all.names[at] && strcmp(all.names[at], wanted[i]) != 0)
			at++;
		assert_non_null(all.names[at]);
	}
	decided_names_release(&all);
}

static void test_lineage_is_the_label_not_the_parent(void **state)
{
	struct ctr_snapshot labelled = { .parent = (char[]){ "web-merged-2" } },
			    bare = { .parent = (char[]){ "sha256:1" } }, first = { .parent = (char[]){ "" } };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(labels_set(&labelled.labels, LABEL_STANDS_ON, "web-v1", &err), 0);
	assert_string_equal(decide_stands_on(&labelled), "web-v1");
	assert_string_equal(decide_stands_on(&bare), "sha256:1");
	assert_null(decide_stands_on(&first));
	labels_release(&labelled.labels);
}

static void expect_task(enum ctr_task_state found, const struct record *pending, enum ctr_task_state state, int pid)
{
	const struct ctr_task task = { .state = found,
				       .pid = 42,
				       .streams = { .stdin_path = (char[]){ "" },
						    .stdout_path = (char[]){ "file:///now" },
						    .stderr_path = (char[]){ "" } } };
	cleanup_record struct record record = { 0 };
	struct error err = { 0 };

	assert_int_equal(decide_task(&task, pending, &record, &err), 0);
	assert_int_equal(record.state, state);
	assert_int_equal(record.old_pid, pid);
	assert_string_equal(record.streams.stdout_path,
			    pid == 0 && state != CTR_TASK_NONE ? "file:///then" : "file:///now");
}

static void test_the_task_that_comes_back(void **state)
{
	struct record start = { .pending = PENDING_START,
				.state = CTR_TASK_RUNNING,
				.streams = { .stdin_path = (char[]){ "" },
					     .stdout_path = (char[]){ "file:///then" },
					     .stderr_path = (char[]){ "" } } };
	struct record network = { .pending = PENDING_NETWORK, .state = CTR_TASK_RUNNING };

	(void)state;
	expect_task(CTR_TASK_RUNNING, NULL, CTR_TASK_RUNNING, 42);
	expect_task(CTR_TASK_PAUSED, NULL, CTR_TASK_PAUSED, 42);
	expect_task(CTR_TASK_CREATED, NULL, CTR_TASK_CREATED, 42);
	expect_task(CTR_TASK_NONE, NULL, CTR_TASK_NONE, 0);
	expect_task(CTR_TASK_STOPPED, NULL, CTR_TASK_NONE, 0);
	/* A start that failed before is tried again; somebody may have started it since. */
	expect_task(CTR_TASK_NONE, &start, CTR_TASK_RUNNING, 0);
	expect_task(CTR_TASK_STOPPED, &start, CTR_TASK_RUNNING, 0);
	expect_task(CTR_TASK_RUNNING, &start, CTR_TASK_RUNNING, 42);
	/* Whoever stopped one that lacked only its network meant it. */
	expect_task(CTR_TASK_NONE, &network, CTR_TASK_NONE, 0);
}

/* --- chains --------------------------------------------------------------------------------------- */

/* "v": a version, "m": a merged layer, "h": one whose files are hard links; then the image's layers. */
static void build(const char *layers, int image, struct chain *chain)
{
	size_t own = strlen(layers), count = 1 + own + (size_t)image;
	struct error err = { 0 };

	*chain = (struct chain){ .above_image = own };
	chain->snapshots.items = calloc(count, sizeof(*chain->snapshots.items));
	chain->snapshots.count = count;
	for (size_t i = 0; i < count; i++) {
		struct ctr_snapshot *snapshot = &chain->snapshots.items[i];
		const char *kind = i == 0                 ? KIND_ACTIVE
				   : i > own              ? NULL
				   : layers[i - 1] == 'v' ? KIND_VERSION
							  : KIND_MERGED;

		if (asprintf(&snapshot->name, i > own ? "sha256:%zu" : "layer-%zu", i) < 0 ||
		    asprintf(&snapshot->parent,
			     i + 1 == count ? ""
			     : i + 1 > own  ? "sha256:%zu"
					    : "layer-%zu",
			     i + 1) < 0)
			fail();
		if (kind)
			assert_int_equal(labels_set(&snapshot->labels, LABEL_KIND, kind, &err), 0);
		if (i >= 1 && i <= own && layers[i - 1] == 'm')
			assert_int_equal(labels_set(&snapshot->labels, LABEL_OWN_FILES, "yes", &err), 0);
	}
}

struct merging {
	const char *layers;
	int image;
	bool at_once;
	int limit;
	int merged; /* how many layers become one, 0: none */
	int depth;
	const char *base;
};

static void expect_merging(const struct merging *wanted)
{
	cleanup_chain struct chain chain = { 0 };
	cleanup_record struct record record = { .kind = wanted->at_once ? OPERATION_COMPACT : OPERATION_VERSION,
						.container_id = strdup("web"),
						.created_ns = 17 };
	struct error err = { 0 };

	build(wanted->layers, wanted->image, &chain);
	assert_int_equal(plan_chain_decide(&chain, wanted->at_once, wanted->limit, &record, &err), 0);
	assert_int_equal(record.merge_count, wanted->merged);
	assert_int_equal(record.depth, wanted->depth);
	if (wanted->merged) {
		assert_string_equal(record.merged, "web-merged-17");
		assert_string_equal(record.merge_base, wanted->base);
	} else {
		assert_null(record.merged);
	}
}

static void test_when_layers_are_merged(void **state)
{
	static const struct merging all[] = {
		/* far from the limit: one layer more */
		{ "", 1, false, 64, 0, 1, NULL },
		{ "v", 1, false, 64, 0, 2, NULL },
		{ "vv", 1, false, 64, 0, 3, NULL },
		/* at the limit */
		{ "vv", 1, false, 3, 2, 2, "sha256:3" },
		{ "vvvv", 2, false, 4, 4, 2, "sha256:5" },
		/* a single layer cannot be made fewer */
		{ "v", 1, false, 2, 0, 2, NULL },
		/* merged layers at the bottom may rest, one for eight of the limit */
		{ "vvvvvvm", 1, false, 8, 6, 3, "layer-7" },
		{ "vvvvvmm", 1, false, 8, 7, 2, "sha256:8" },
		{ "vvvvvvh", 1, false, 8, 7, 2, "sha256:8" },
		/* at once, whatever the limit */
		{ "vv", 1, true, 64, 2, 1, "sha256:3" },
		{ "vm", 1, true, 64, 2, 1, "sha256:3" },
		{ "v", 1, true, 64, 0, 2, NULL },
		{ "m", 1, true, 64, 0, 2, NULL },
		{ "", 1, true, 64, 0, 1, NULL },
		/* hard links of an earlier build are healed */
		{ "h", 1, true, 64, 1, 1, "sha256:2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		print_message("# %zu: '%s'\n", i, all[i].layers);
		expect_merging(&all[i]);
	}
}

static void test_an_image_that_is_too_deep_is_refused(void **state)
{
	cleanup_chain struct chain chain = { 0 };
	cleanup_record struct record record = { .container_id = strdup("web") };
	struct error err = { 0 };

	(void)state;
	build("vv", CHAIN_MAX_LAYERS, &chain);
	assert_int_equal(plan_chain_decide(&chain, false, 64, &record, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_null(record.merged);
}

static void test_a_version_that_is_too_deep_is_refused(void **state)
{
	cleanup_chain struct chain deep = { 0 }, fits = { 0 };
	cleanup_record struct record record = { .container_id = strdup("web"), .rollback_to = 3 };
	struct error err = { 0 };

	(void)state;
	build("v", CHAIN_KERNEL_LIMIT - 3, &fits);
	assert_int_equal(plan_chain_decide_back(&fits, &record, &err), 0);
	assert_int_equal(record.depth, 2);
	build("v", CHAIN_KERNEL_LIMIT - 2, &deep);
	assert_int_equal(plan_chain_decide_back(&deep, &record, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static void test_when_the_chain_is_looked_at(void **state)
{
	struct ctr_snapshot active = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(plan_chain_is_due(&active, 3, 64)); /* it does not say how deep it is */
	assert_int_equal(labels_set(&active.labels, LABEL_DEPTH, "5", &err), 0);
	assert_false(plan_chain_is_due(&active, 6, 64));
	assert_true(plan_chain_is_due(&active, 6, 6));
	assert_true(plan_chain_is_due(&active, CHAIN_MAX_LAYERS, 64));
	assert_int_equal(labels_set(&active.labels, LABEL_DEPTH, "many", &err), 0);
	assert_true(plan_chain_is_due(&active, 6, 64));
	labels_release(&active.labels);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_by_kind),
		cmocka_unit_test(test_names_by_kind),
		cmocka_unit_test(test_all_names_are_asked_for),
		cmocka_unit_test(test_lineage_is_the_label_not_the_parent),
		cmocka_unit_test(test_the_task_that_comes_back),
		cmocka_unit_test(test_when_layers_are_merged),
		cmocka_unit_test(test_an_image_that_is_too_deep_is_refused),
		cmocka_unit_test(test_a_version_that_is_too_deep_is_refused),
		cmocka_unit_test(test_when_the_chain_is_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
