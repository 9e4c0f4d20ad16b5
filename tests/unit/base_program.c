/* Running a program under limits, with shell scripts that break each of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/program.h"
#include "support/stage.h"

#define AMPLE_MS 20000

static char *const environment[] = { (char[]){ "PATH=/usr/bin:/bin" }, (char[]){ "ONE=1" }, NULL };

static void run(const struct stage *stage, const char *script, unsigned timeout_ms, struct program_outcome *outcome)
{
	char file[PATH_MAX];
	struct program process = { .file = file,
				   .environment = environment,
				   .input = "the input",
				   .output_limit = 1 << 20,
				   .timeout_ms = timeout_ms };
	struct error err = { 0 };

	stage_write(stage, "script", "#!/bin/sh\n%s\n", script);
	snprintf(file, sizeof(file), "%s/script", stage->folder);
	assert_int_equal(chmod(file, 0755), 0);
	if (program_run(&process, outcome, &err) < 0)
		fail_msg("%s", err.message);
}

static void streams_status_and_environment(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "cat; echo \" $ONE $HOME $(pwd)\"; echo said >&2; exit 7", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_EXITED);
	assert_int_equal(outcome.code, 7);
	assert_string_equal(outcome.output.data, "the input 1  /\n");
	assert_string_equal(outcome.complaints.data, "said\n");
}

static void input_that_nobody_reads(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "exec <&-; exit 0", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_EXITED);
	assert_int_equal(outcome.code, 0);
}

static void end_by_signal(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "kill -TERM $$", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_SIGNALED);
	assert_int_equal(outcome.code, SIGTERM);
}

/* Whether the process is there and no zombie. */
static bool is_alive(pid_t pid)
{
	char path[64];
	char line[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	assert_non_null(fgets(line, sizeof(line), file));
	fclose(file);
	return !strstr(line, ") Z ");
}

static void hanging_program_dies_with_its_children(void **state)
{
	const struct stage *stage = *state;
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	char script[PATH_MAX];
	double start_ms = clock_monotonic_ms();
	char *child;

	snprintf(script, sizeof(script), "sleep 1000 & echo $! > %s/child; trap '' TERM; wait", stage->folder);
	run(stage, script, 300, &outcome);
	assert_int_equal(outcome.end, PROGRAM_TIMED_OUT);
	assert_true(clock_monotonic_ms() - start_ms >= 300);
	child = stage_read(stage, "child");
	assert_non_null(child);
	for (int i = 0; i < 200 && is_alive((pid_t)atoi(child)); i++)
		clock_sleep_ms(10);
	assert_false(is_alive((pid_t)atoi(child)));
	free(child);
}

static void child_that_keeps_the_streams_open(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	double start_ms = clock_monotonic_ms();
	pid_t child;

	run(*state, "sleep 1000 & echo $!", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_EXITED);
	assert_true(clock_monotonic_ms() - start_ms < AMPLE_MS);
	child = (pid_t)atoi(outcome.output.data);
	assert_true(child > 1);
	kill(child, SIGKILL);
}

static void too_much_output(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "cat /dev/zero", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_TOO_MUCH);
}

static void as_much_output_as_allowed(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "head -c 1048576 /dev/zero", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_EXITED);
	assert_int_equal(outcome.output.length, 1048576);
}

static void the_end_of_many_complaints(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "head -c 3000000 /dev/zero >&2; echo last >&2", AMPLE_MS, &outcome);
	assert_int_equal(outcome.end, PROGRAM_EXITED);
	assert_true(outcome.complaints.length <= 64 << 10);
	assert_string_equal(outcome.complaints.data + outcome.complaints.length - 5, "last\n");
}

static void endless_complaints_meet_the_time_limit(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };

	run(*state, "cat /dev/zero >&2", 300, &outcome);
	assert_int_equal(outcome.end, PROGRAM_TIMED_OUT);
}

static void signals_and_descriptors_stay_ours(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	sigset_t held;
	sigset_t before;
	void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
	int leaked = dup(STDIN_FILENO);
	char *ignored;

	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	assert_int_equal(sigprocmask(SIG_BLOCK, &held, &before), 0);
	run(*state, "sed -n 's/^SigBlk:.//p; s/^SigIgn:.//p' /proc/self/status", AMPLE_MS, &outcome);
	/* The lower 31 bits: libc keeps two real-time signals to itself. */
	assert_int_equal(strtoull(outcome.output.data, &ignored, 16), 0);
	assert_int_equal(strtoull(ignored, NULL, 16) & 0x7fffffff, 0);
	program_outcome_release(&outcome);
	run(*state, "ls /proc/self/fd | wc -l", AMPLE_MS, &outcome);
	/* The three streams, and the folder that ls reads. */
	assert_int_equal(atoi(outcome.output.data), 4);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	signal(SIGPIPE, pipe_before);
	close(leaked);
}

static void what_cannot_be_run(void **state)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	struct program process = { .file = "/nowhere/plugin",
				   .environment = environment,
				   .input = "",
				   .output_limit = 1,
				   .timeout_ms = AMPLE_MS };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(program_run(&process, &outcome, &err), -1);
	assert_int_equal(err.kind, ERROR_FAILED);
	assert_string_equal(err.message, "'/nowhere/plugin' cannot be run: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(streams_status_and_environment),
		TEST(input_that_nobody_reads),
		TEST(end_by_signal),
		TEST(hanging_program_dies_with_its_children),
		TEST(child_that_keeps_the_streams_open),
		TEST(too_much_output),
		TEST(as_much_output_as_allowed),
		TEST(the_end_of_many_complaints),
		TEST(endless_complaints_meet_the_time_limit),
		TEST(signals_and_descriptors_stay_ours),
		TEST(what_cannot_be_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
