/* Whether another run that holds a workspace has ended: judged by the labels of its lock, and never guessed. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "workspace/holder.h"
#include "workspace/label_keys.h"

static char folder[] = "/tmp/wsnap-holder-XXXXXX";

/* The labels of this process, as one with the state directory `path` has them. */
static struct labels labels_of_self(const char *path)
{
	struct settings settings = { .state_dir = (char *)(uintptr_t)path };
	struct session session = { .settings = &settings };
	struct labels labels = { 0 };
	struct error err = { 0 };

	session.state_dir = file_open_directory(path, 0700, &err);
	assert_true(session.state_dir >= 0);
	assert_int_equal(holder_describe_self(&session, -1, "version", &labels, &err), 0);
	close(session.state_dir);
	return labels;
}

/* A process that has ended, but whose number is not free yet: nobody else can have it. */
static pid_t ended_child(void)
{
	pid_t child = fork();
	siginfo_t ended;

	if (child == 0)
		_exit(0);
	waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT);
	return child;
}

#define OTHER_BOOT "00000000-0000-4000-8000-000000000000"

/* Another run's labels are ours but for one or two. */
static void a_run_is_judged_by_what_can_be_seen(void **state)
{
	static const struct {
		const char *what, *key, *value, *other_key, *other_value;
		enum holder_state judged;
		bool ours;
	} cases[] = {
		{ "as it is", NULL, NULL, NULL, NULL, HOLDER_ALIVE, true },
		{ "its number is another's", LABEL_LOCK_STARTED, "1", NULL, NULL, HOLDER_DEAD, true },
		{ "no such process", LABEL_LOCK_PID, "999999999", NULL, NULL, HOLDER_DEAD, true },
		{ "no number", LABEL_LOCK_PID, "x", NULL, NULL, HOLDER_UNKNOWN, true },
		{ "all processes", LABEL_LOCK_PID, "0", NULL, NULL, HOLDER_UNKNOWN, true },
		{ "other processes", LABEL_LOCK_PIDS, "1", LABEL_LOCK_STARTED, "1", HOLDER_UNKNOWN, true },
		{ "before a reboot", LABEL_LOCK_BOOT, OTHER_BOOT, NULL, NULL, HOLDER_DEAD, true },
		{ "another host's", LABEL_LOCK_BOOT, OTHER_BOOT, LABEL_LOCK_HOST, "x", HOLDER_UNKNOWN, true },
		{ "another host of this name", LABEL_LOCK_BOOT, OTHER_BOOT, LABEL_LOCK_MACHINE, "x", HOLDER_UNKNOWN,
		  true },
		{ "another directory's, before a reboot", LABEL_LOCK_BOOT, OTHER_BOOT, LABEL_LOCK_STATE_ID, "x",
		  HOLDER_UNKNOWN, false },
		{ "another directory's", LABEL_LOCK_STATE_ID, "x", NULL, NULL, HOLDER_ALIVE, false },
		{ "another directory's, ended", LABEL_LOCK_STATE_ID, "x", LABEL_LOCK_STARTED, "1", HOLDER_DEAD, false },
	};
	cleanup_labels struct labels own = labels_of_self(folder);
	struct error err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_labels struct labels theirs = { 0 };
		struct holder holder;

		assert_int_equal(labels_copy(&theirs, &own, &err), 0);
		if (cases[i].key)
			assert_int_equal(labels_set(&theirs, cases[i].key, cases[i].value, &err), 0);
		if (cases[i].other_key)
			assert_int_equal(labels_set(&theirs, cases[i].other_key, cases[i].other_value, &err), 0);
		holder = holder_judge(&own, &theirs);
		if (holder.state != cases[i].judged || holder.ours != cases[i].ours)
			fail_msg("%s: judged %d, ours %d", cases[i].what, holder.state, holder.ours);
	}
}

static void a_process_that_nobody_has_waited_for_has_ended(void **state)
{
	cleanup_labels struct labels own = labels_of_self(folder), theirs = { 0 };
	struct error err = { 0 };
	pid_t child = ended_child();
	char pid[16];

	(void)state;
	snprintf(pid, sizeof(pid), "%d", (int)child);
	assert_int_equal(labels_copy(&theirs, &own, &err), 0);
	assert_int_equal(labels_set(&theirs, LABEL_LOCK_PID, pid, &err), 0);
	assert_int_equal(holder_judge(&own, &theirs).state, HOLDER_DEAD);
	waitpid(child, NULL, 0);
}

/* Whoever has got its file knows that it lives no more, whatever its processes are called. */
static void a_lock_that_was_had_tells_of_its_owner(void **state)
{
	cleanup_labels struct labels own = labels_of_self(folder), theirs = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(labels_set(&own, LABEL_LOCK_FILE, "1:2", &err), 0);
	assert_int_equal(labels_copy(&theirs, &own, &err), 0);
	assert_int_equal(labels_set(&theirs, LABEL_LOCK_PIDS, "1", &err), 0);
	assert_int_equal(holder_judge(&own, &theirs).state, HOLDER_DEAD);
	assert_int_equal(labels_set(&theirs, LABEL_LOCK_FILE, "1:3", &err), 0);
	assert_int_equal(holder_judge(&own, &theirs).state, HOLDER_UNKNOWN);
}

static void copy_id(const char *copy)
{
	cleanup_free char *from = text_format("%s/id.lock", folder), *to = text_format("%s/id.lock", copy);
	cleanup_text struct text id = { 0 };
	cleanup_file FILE *file = NULL;
	struct error err = { 0 };

	assert_int_equal(mkdir(copy, 0700), 0);
	assert_int_equal(file_read(AT_FDCWD, from, 100, &id, &err), 0);
	file = fopen(to, "we");
	assert_non_null(file);
	assert_int_equal(fputs(id.data, file) < 0, 0);
}

static void a_state_directory_is_known_again_and_a_copy_is_another(void **state)
{
	cleanup_free char *copy = text_format("%s/copy", folder);
	cleanup_labels struct labels one = labels_of_self(folder), again = labels_of_self(folder);
	cleanup_labels struct labels other = { 0 };

	(void)state;
	copy_id(copy);
	other = labels_of_self(copy);
	assert_string_equal(labels_get(&one, LABEL_LOCK_STATE_ID), labels_get(&again, LABEL_LOCK_STATE_ID));
	assert_string_not_equal(labels_get(&one, LABEL_LOCK_STATE_ID), labels_get(&other, LABEL_LOCK_STATE_ID));
	assert_string_not_equal(labels_get(&one, LABEL_LOCK), labels_get(&again, LABEL_LOCK));
}

static void what_is_foreign_in_labels_breaks_no_line(void **state)
{
	cleanup_labels struct labels theirs = { 0 };
	struct error err = { 0 };
	char *words;

	(void)state;
	assert_int_equal(labels_set(&theirs, LABEL_LOCK_HOST, "a", &err), 0);
	assert_int_equal(labels_set(&theirs, LABEL_LOCK_STATE, "/s", &err), 0);
	words = holder_words(&theirs);
	assert_string_equal(words, "pid ? on the host 'a', ? since ?, state directory '/s'");
	free(words);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	cleanup_free char *inner = text_format("%s/copy/id.lock", folder), *copy = text_format("%s/copy", folder);
	cleanup_free char *outer = text_format("%s/id.lock", folder);

	(void)state;
	unlink(inner);
	rmdir(copy);
	unlink(outer);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_is_judged_by_what_can_be_seen),
		cmocka_unit_test(a_process_that_nobody_has_waited_for_has_ended),
		cmocka_unit_test(a_lock_that_was_had_tells_of_its_owner),
		cmocka_unit_test(a_state_directory_is_known_again_and_a_copy_is_another),
		cmocka_unit_test(what_is_foreign_in_labels_breaks_no_line),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
