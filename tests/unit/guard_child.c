/* A command on this host, with our signals and our terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "guard/child.h"

static int run(const char *const *words, struct error *err)
{
	struct child child;
	int status = -1;

	child_hold(&child);
	if (child_run(&child, words, &status, err) == 0)
		assert_int_equal(err->kind, ERROR_NONE);
	sigprocmask(SIG_SETMASK, &child.before, NULL);
	return status;
}

static void the_status_is_a_shells(void **state)
{
	static const struct {
		const char *words[4];
		int status;
		const char *message;
	} cases[] = {
		{ { "true" }, 0, "" },
		{ { "sh", "-c", "exit 7" }, 7, "" },
		{ { "sh", "-c", "kill -TERM $$" }, 128 + SIGTERM, "" },
		{ { "sh", "-c", "kill -KILL $$" }, 128 + SIGKILL, "" },
		{ { "no-such-command" }, 127, "'no-such-command' cannot be found, and was not run" },
		{ { "/etc/passwd" }, 126, "'/etc/passwd' cannot be run: Permission denied" },
		{ { "/" }, 126, "'/' cannot be run: Permission denied" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error err = { 0 };

		assert_int_equal(run(cases[i].words, &err), cases[i].status);
		assert_string_equal(err.message, cases[i].message);
	}
}

static void the_command_has_the_signals_that_we_had(void **state)
{
	static const char *const words[] = { "sh", "-c", "grep -q '^SigBlk:.0*$' /proc/self/status", NULL };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(run(words, &err), 0);
}

/* Reads until `wanted` has come; fails the test after ten seconds. */
static void read_until(int fd, const char *wanted)
{
	double end = clock_monotonic_ms() + 10000;
	char seen[4096] = "";
	size_t length = 0;

	while (!strstr(seen, wanted)) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		ssize_t got;

		if (clock_monotonic_ms() > end || length + 1 >= sizeof(seen))
			fail_msg("'%s' has not come: '%s'", wanted, seen);
		if (poll(&ready, 1, 100) <= 0)
			continue;
		got = read(fd, seen + length, sizeof(seen) - 1 - length);
		if (got <= 0)
			fail_msg("'%s' has not come: '%s'", wanted, seen);
		length += (size_t)got;
		seen[length] = '\0';
	}
}

/* In a new process, which ends as the command does. */
static _Noreturn void become(const char *script)
{
	const char *const words[] = { "sh", "-c", script, NULL };
	struct error err = { 0 };

	_exit(run(words, &err));
}

static void signals_are_passed_on(void **state)
{
	static const int passed_on[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

	(void)state;
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++) {
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0) {
			setsid();
			dup2(ends[1], STDOUT_FILENO);
			become("trap 'exit 9' TERM INT HUP QUIT USR1 USR2; echo ready; while :; do sleep 0.05; done");
		}
		close(ends[1]);
		read_until(ends[0], "ready");
		kill(pid, passed_on[i]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 9);
		close(ends[0]);
	}
}

static void the_terminal_is_the_commands(void **state)
{
	int terminal, status;
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

	(void)state;
	if (pid == 0)
		become("test -t 0 || exit 1; trap 'echo interrupted; exit 6' INT; echo ready; while :; do sleep 0.05; done");
	read_until(terminal, "ready");
	assert_int_equal(write(terminal, "\003", 1), 1);
	read_until(terminal, "interrupted");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 6);
	close(terminal);
}

/* Ctrl-Z: we stop with the command, and the next "fg" lets both go on. */
static void a_command_that_is_stopped_stops_us(void **state)
{
	int terminal, status;
	pid_t shell = forkpty(&terminal, NULL, NULL, NULL);

	(void)state;
	if (shell == 0) {
		/* The part of a shell with job control that matters here. */
		pid_t pid = fork();

		if (pid == 0) {
			setpgid(0, 0);
			signal(SIGTTOU, SIG_IGN);
			tcsetpgrp(0, getpid());
			/* No program is started: a shell that waits in vfork(2) cannot be stopped. */
			become("echo ready; read line && exit 5; exit 7");
		}
		waitpid(pid, &status, WUNTRACED);
		dprintf(1, "%s\n", WIFSTOPPED(status) ? "stopped" : "not stopped");
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(0, pid);
		kill(-pid, SIGCONT);
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	read_until(terminal, "ready");
	assert_int_equal(write(terminal, "\032", 1), 1);
	read_until(terminal, "stopped");
	clock_sleep_ms(200);
	assert_int_equal(write(terminal, "line\n", 5), 5);
	assert_int_equal(waitpid(shell, &status, 0), shell);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 5);
	close(terminal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_status_is_a_shells),
		cmocka_unit_test(the_command_has_the_signals_that_we_had),
		cmocka_unit_test(signals_are_passed_on),
		cmocka_unit_test(the_terminal_is_the_commands),
		cmocka_unit_test(a_command_that_is_stopped_stops_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
