#include "guard/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STATUS_NOT_RUN 126
#define STATUS_NOT_FOUND 127
#define STATUS_SIGNALLED 128

/* What is passed on. */
static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		sigaddset(set, passed_on[i]);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTTOU); /* sent to whoever takes a terminal back */
}

void child_hold(struct child *child)
{
	sigset_t set;

	*child = (struct child){ .terminal = -1 };
	fill(&set);
	sigprocmask(SIG_BLOCK, &set, &child->before);
}

int child_signal(const struct child *child)
{
	static const struct timespec at_once = { 0 };
	sigset_t set;
	int signal;

	sigemptyset(&set);
	for (int i = 0; i < 4; i++)
		if (sigismember(&child->before, passed_on[i]) == 0)
			sigaddset(&set, passed_on[i]);
	signal = sigtimedwait(&set, NULL, &at_once);
	return signal > 0 ? signal : 0;
}

/* The terminal, if it is ours to hand over: we are in its foreground. */
static int open_terminal(void)
{
	cleanup_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (terminal < 0 || tcgetpgrp(terminal) != getpgrp())
		return -1;
	return steal_fd(&terminal);
}

/* In the new process. Says by `report` why the words cannot be run. */
static _Noreturn void become(const struct child *child, const char *const *words, int report)
{
	char *const *arguments;
	int number;

	if (child->terminal >= 0) {
		setpgid(0, 0);
		tcsetpgrp(child->terminal, getpid());
	}
	sigprocmask(SIG_SETMASK, &child->before, NULL);
	memcpy(&arguments, &words, sizeof(arguments));
	execvp(arguments[0], arguments);
	number = errno;
	if (write(report, &number, sizeof(number)) < 0)
		number = 0;
	_exit(number == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

/* 0: it runs; else the number of why it does not. */
static int read_report(int report)
{
	int number = 0;
	ssize_t got;

	do
		got = read(report, &number, sizeof(number));
	while (got < 0 && errno == EINTR);
	return got == sizeof(number) ? number : 0;
}

static int start(struct child *child, const char *const *words, int *failure, struct error *err)
{
	int ends[2];
	cleanup_fd int reading = -1;
	cleanup_fd int writing = -1;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_FAILED, errno, "a pipe cannot be made");
	reading = ends[0];
	writing = ends[1];
	child->terminal = open_terminal();
	child->pid = fork();
	if (child->pid < 0)
		return error_errno(err, ERROR_FAILED, errno, "no process can be made");
	if (child->pid == 0)
		become(child, words, writing);
	/* Parent and child both do this, because either may come first. */
	if (child->terminal >= 0) {
		setpgid(child->pid, child->pid);
		tcsetpgrp(child->terminal, child->pid);
	}
	child->started = true;
	close(steal_fd(&writing));
	*failure = read_report(reading);
	return 0;
}

static void pass_on(const struct child *child, const siginfo_t *info)
{
	/* What the terminal sent to our group, it has sent to the command as well where that is in it. */
	if (child->terminal < 0 && info->si_code == SI_KERNEL)
		return;
	kill(child->pid, info->si_signo);
}

/* It was stopped from the terminal: whoever started us gets the terminal, until we are to go on. */
static void stop_with(const struct child *child)
{
	tcsetpgrp(child->terminal, getpgrp());
	kill(getpid(), SIGSTOP);
	tcsetpgrp(child->terminal, child->pid);
	kill(-child->pid, SIGCONT);
}

/* Whether it has ended. */
static bool has_ended(const struct child *child, int *status)
{
	pid_t pid;

	while ((pid = waitpid(child->pid, status, WNOHANG | (child->terminal >= 0 ? WUNTRACED : 0))) == child->pid) {
		if (!WIFSTOPPED(*status))
			return true;
		stop_with(child);
	}
	return pid < 0 && errno == ECHILD;
}

static int wait_for(const struct child *child)
{
	siginfo_t info;
	sigset_t set;
	int status = 0;

	fill(&set);
	sigdelset(&set, SIGTTOU);
	while (!has_ended(child, &status)) {
		int signal = sigwaitinfo(&set, &info);

		if (signal > 0 && signal != SIGCHLD)
			pass_on(child, &info);
	}
	return WIFSIGNALED(status) ? STATUS_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int cannot_run(const char *word, int failure, struct error *err)
{
	if (failure == ENOENT)
		return error_set(err, ERROR_FAILED, "'%.200s' cannot be found, and was not run", word);
	return error_errno(err, ERROR_FAILED, failure, "'%.200s' cannot be run", word);
}

int child_run(struct child *child, const char *const *words, int *status, struct error *err)
{
	struct termios modes;
	bool has_modes;
	int failure = 0;

	*status = STATUS_NOT_RUN;
	if (start(child, words, &failure, err) < 0)
		return -1;
	has_modes = child->terminal >= 0 && tcgetattr(child->terminal, &modes) == 0;
	*status = wait_for(child);
	if (child->terminal >= 0) {
		tcsetpgrp(child->terminal, getpgrp());
		/* A command that was killed may have left the terminal in another mode. */
		if (has_modes && *status > STATUS_SIGNALLED)
			tcsetattr(child->terminal, TCSADRAIN, &modes);
		close(child->terminal);
		child->terminal = -1;
	}
	return failure ? cannot_run(words[0], failure, err) : 0;
}
