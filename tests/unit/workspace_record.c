/* The saved record: read back as it was written, also as wsnap 0.1.0 wrote it (data/record-…-0.1.0.json). */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "workspace/record.h"

#define CREATED "tests/unit/data/record-create-0.1.0.json"
#define ROLLED_BACK "tests/unit/data/record-rollback-0.1.0.json"

static char *read_whole(const char *path)
{
	struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, path, 1 << 20, &text, &err) != 0)
		fail_msg("%s", err.message);
	return text.data;
}

/* The text with every `flag` that is given (NULL ends them) true instead of false. */
static void set_flags(char *json, const char *const *flags)
{
	for (; *flags; flags++) {
		cleanup_free char *key = text_format("\"%s\":false", *flags);
		char *at = strstr(json, key);

		assert_non_null(at);
		memcpy(at + strlen(key) - 5, " true", 5);
	}
}

static void parse(const char *json, struct record *record)
{
	struct error err = { 0 };

	if (record_parse(json, strlen(json), record, &err) < 0)
		fail_msg("%s", err.message);
}

struct old {
	const char *const *flags;
	enum record_stage stage;
	enum record_pending pending;
	bool turned_back, saves, recorded;
};

static void expect_old(const char *path, const struct old *old, bool turned_back, bool saves)
{
	cleanup_free char *json = read_whole(path);
	cleanup_record struct record record = { 0 };

	set_flags(json, old->flags);
	parse(json, &record);
	assert_int_equal(record.stage, old->stage);
	assert_int_equal(record.pending, old->pending);
	assert_int_equal(record.turned_back, turned_back);
	assert_int_equal(record_saves(&record), saves);
	assert_int_equal(record.recorded, old->recorded);
}

static void test_flags_of_old_records(void **state)
{
	static const char *const none[] = { NULL }, *const down[] = { "stopping", NULL },
				 *const up[] = { "stopping", "up", NULL },
				 *const network[] = { "stopping", "up", "network_pending", "recorded", NULL },
				 *const start[] = { "stopping", "up", "start_pending", "recorded", NULL },
				 *const both[] = { "stopping",      "up",       "network_pending",
						   "start_pending", "recorded", NULL },
				 *const unchanged[] = { "stopping", "nothing_saved", NULL },
				 *const tidying[] = { "turned_back", "nothing_saved", NULL },
				 *const back[] = { "stopping", "turned_back", NULL },
				 *const back_up[] = { "stopping", "turned_back", "up", NULL };
	const struct old all[] = {
		{ none, STAGE_PLANNED, PENDING_NOTHING, false, true, false },
		{ down, STAGE_DOWN, PENDING_NOTHING, false, true, false },
		{ up, STAGE_UP, PENDING_NOTHING, false, true, false },
		{ network, STAGE_UP, PENDING_NETWORK, false, true, true },
		{ start, STAGE_UP, PENDING_START, false, true, true },
		{ both, STAGE_UP, PENDING_START, false, true, true },
		{ unchanged, STAGE_DOWN, PENDING_NOTHING, false, false, false },
		{ tidying, STAGE_PLANNED, PENDING_NOTHING, true, false, false },
		{ back, STAGE_DOWN, PENDING_NOTHING, true, true, false },
		{ back_up, STAGE_UP, PENDING_NOTHING, true, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		expect_old(CREATED, &all[i], all[i].turned_back, all[i].saves);
		expect_old(ROLLED_BACK, &all[i], all[i].turned_back, all[i].saves);
	}
}

static void test_words_of_an_old_record(void **state)
{
	cleanup_free char *json = read_whole(ROLLED_BACK);
	cleanup_record struct record record = { 0 };

	(void)state;
	parse(json, &record);
	assert_int_equal(record.kind, OPERATION_ROLLBACK);
	assert_int_equal(record.save, SAVE_IF_CHANGED);
	assert_int_equal(record.state, CTR_TASK_RUNNING);
	assert_int_equal(record.old_pid, 29744);
	assert_int_equal(record.created_ns, 1795957665794335101);
	assert_int_equal(record.rollback_to, 1);
	assert_string_equal(record.container_id, "ws");
	assert_string_equal(record.saved, "ws-v1795957665794335101");
	assert_string_equal(record.new_active, "ws-rollback-1795957665794335101");
	assert_string_equal(record.back_active, "ws-active-1795957665794335101");
	assert_string_equal(record_parent(&record), "ws-snapshot-1795957652853917407");
	assert_null(record.display_name);
}

static void test_written_and_read_again(void **state)
{
	cleanup_free char *json = read_whole(ROLLED_BACK);
	cleanup_record struct record record = { 0 }, again = { 0 };
	cleanup_free char *printed = NULL, *reprinted = NULL;
	struct error err = { 0 };

	(void)state;
	parse(json, &record);
	record.stage = STAGE_UP;
	record.pending = PENDING_START;
	record.turned_back = true;
	record.moved_inode = INT64_C(1) << 60;
	assert_int_equal(labels_set(&record.kept_labels, "containerd.io/snapshot/uidmapping", "0:1000:65536", &err), 0);
	assert_int_equal(labels_set(&record.kept_labels, "odd \"key\"", "", &err), 0);
	printed = record_print(&record, &err);
	assert_non_null(printed);
	parse(printed, &again);
	assert_int_equal(again.stage, STAGE_UP);
	assert_int_equal(again.pending, PENDING_START);
	assert_true(again.moved_inode == INT64_C(1) << 60);
	assert_int_equal(again.kept_labels.count, 2);
	assert_string_equal(labels_get(&again.kept_labels, "containerd.io/snapshot/uidmapping"), "0:1000:65536");
	assert_string_equal(labels_get(&again.kept_labels, "odd \"key\""), "");
	reprinted = record_print(&again, &err);
	assert_non_null(reprinted);
	assert_string_equal(printed, reprinted);
}

/* The text with `from` replaced. */
static char *replaced(const char *json, const char *from, const char *to)
{
	const char *at = strstr(json, from);

	assert_non_null(at);
	return text_format("%.*s%s%s", (int)(at - json), json, to, at + strlen(from));
}

static void test_what_cannot_be_ours(void **state)
{
	static const struct {
		const char *from, *to, *message;
	} all[] = {
		{ "\"format\":1", "\"format\":9", "it was written by another version of wsnap" },
		{ "\"kind\":2", "\"kind\":77", "a kind in it is unknown" },
		{ "\"kind\":2", "\"kind\":-1", "its 'kind' is out of range" },
		{ "\"format\":1", "\"format\":2,\"stage\":3", "a kind in it is unknown" },
		{ "\"format\":1", "\"format\":2,\"pending\":3", "a kind in it is unknown" },
		{ "\"container_id\":\"ws\"", "\"container_id\":\"../ws\"", "its container cannot exist" },
		{ "\"new_active\"", "\"new_inactive\"", "it has no 'new_active'" },
		{ "\"format\":1", "\"format\":2,\"kept_labels\":\"a=b\"", "its 'kept_labels' are no labels" },
		{ "\"format\":1", "\"format\":2,\"kept_labels\":{\"a\":1}", "its 'kept_labels' are no labels" },
		{ "\"base\"", "\"bass\"", "it is a rollback to nothing" },
		{ "\"saved\":\"", "\"shaved\":\"", "it saves under no name" },
		{ "12b6af46-", "12b6af4x-", "an id in it is no UUID" },
		{ "\"1795957665794335101\"", "\"yesterday\"", "its 'created_ns' is no time" },
	};
	cleanup_free char *json = read_whole(ROLLED_BACK);

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		cleanup_free char *broken = replaced(json, all[i].from, all[i].to);
		cleanup_record struct record record = { 0 };
		struct error err = { 0 };

		assert_int_equal(record_parse(broken, strlen(broken), &record, &err), -1);
		assert_string_equal(err.message, all[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flags_of_old_records),
		cmocka_unit_test(test_words_of_an_old_record),
		cmocka_unit_test(test_written_and_read_again),
		cmocka_unit_test(test_what_cannot_be_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
