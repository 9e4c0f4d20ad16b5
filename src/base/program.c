#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

#define COMPLAINTS_LIMIT ((size_t)64 << 10)
#define READS_AT_A_TIME 128 /* so that a program that never stops writing cannot hold us over the time limit */
#define KILLED_WAIT_MS 5000 /* for a killed process that is stuck in the kernel */

struct pipes {
	int input; /* a memory file: a program that does not read it cannot block or signal us */
	int output[2];
	int errors[2];
};

static void pipes_close(struct pipes *pipes)
{
	int *all[] = { &pipes->input, &pipes->output[0], &pipes->output[1], &pipes->errors[0], &pipes->errors[1] };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		cleanup_close_fd(all[i]);
}

#define cleanup_pipes __attribute__((cleanup(pipes_close)))

void program_outcome_release(struct program_outcome *outcome)
{
	text_release(&outcome->output);
	text_release(&outcome->complaints);
}

/* Only our end of a pipe must not block; the other is the program's own business. */
static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0) {
		ends[0] = ends[1] = -1;
		return -1;
	}
	return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static int pipes_open(struct pipes *pipes, const char *input, struct error *err)
{
	pipes->input = memfd_create("wsnap-program-input", MFD_CLOEXEC);
	if (pipes->input < 0 || file_write_all(pipes->input, input, strlen(input)) < 0 ||
	    lseek(pipes->input, 0, SEEK_SET) < 0 || open_pipe(pipes->output) < 0 || open_pipe(pipes->errors) < 0)
		return error_errno(err, ERROR_FAILED, errno, "the streams of a program cannot be made");
	return 0;
}

static int fill_actions(posix_spawn_file_actions_t *actions, const struct pipes *pipes)
{
	int number = posix_spawn_file_actions_adddup2(actions, pipes->input, STDIN_FILENO);

	if (!number)
		number = posix_spawn_file_actions_adddup2(actions, pipes->output[1], STDOUT_FILENO);
	if (!number)
		number = posix_spawn_file_actions_adddup2(actions, pipes->errors[1], STDERR_FILENO);
	if (!number)
		number = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (!number)
		number = posix_spawn_file_actions_addchdir_np(actions, "/");
	return number;
}

/* We hold signals back during an operation and ignore SIGPIPE; the program starts without either. */
static int fill_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none;
	sigset_t all;
	int number;

	sigemptyset(&none);
	sigfillset(&all);
	number = posix_spawnattr_setsigmask(attributes, &none);
	if (!number)
		number = posix_spawnattr_setsigdefault(attributes, &all);
	if (!number)
		number = posix_spawnattr_setpgroup(attributes, 0);
	if (!number)
		number = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
								      POSIX_SPAWN_SETPGROUP);
	return number;
}

static int spawn(const struct program *program, const struct pipes *pipes, pid_t *pid)
{
	cleanup_free char *name = strdup(program->file);
	char *const arguments[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number;

	if (!name)
		return ENOMEM;
	number = posix_spawn_file_actions_init(&actions);
	if (number)
		return number;
	number = posix_spawnattr_init(&attributes);
	if (!number) {
		number = fill_actions(&actions, pipes);
		if (!number)
			number = fill_attributes(&attributes);
		if (!number)
			number =
				posix_spawn(pid, program->file, &actions, &attributes, arguments, program->environment);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return number;
}

/* Keeps the end of what a program says: the reason stands in its last line. */
static void keep_tail(struct text *text, const char *bytes, size_t length)
{
	size_t keep = COMPLAINTS_LIMIT / 2;

	if (text->length + length > COMPLAINTS_LIMIT) {
		memmove(text->data, text->data + text->length - keep, keep);
		text->length = keep;
	}
	text_append(text, bytes, length);
}

/* Reads what is there now. The descriptor is closed and becomes -1 at its end. */
static void drain(int *fd, struct text *text, bool tail)
{
	char chunk[16384];
	ssize_t got;

	for (int i = 0; i < READS_AT_A_TIME && *fd >= 0 && !text->failed; i++) {
		got = read(*fd, chunk, sizeof(chunk));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			close(*fd);
			*fd = -1;
		} else if (tail) {
			keep_tail(text, chunk, (size_t)got);
		} else {
			text_append(text, chunk, (size_t)got);
		}
	}
}

static int milliseconds_left(double deadline_ms)
{
	double left = deadline_ms - clock_monotonic_ms();

	return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left + 1;
}

/* Reads both streams until the program has ended (PROGRAM_EXITED) or is over a limit. */
static enum program_end follow(int pidfd, struct pipes *pipes, double deadline_ms, struct program_outcome *outcome)
{
	for (;;) {
		struct pollfd polled[] = { { .fd = pidfd, .events = POLLIN },
					   { .fd = pipes->output[0], .events = POLLIN },
					   { .fd = pipes->errors[0], .events = POLLIN } };
		int left = milliseconds_left(deadline_ms);

		if (left == 0)
			return PROGRAM_TIMED_OUT;
		if (poll(polled, 3, left) <= 0)
			continue;
		/* What it wrote before its end is in the pipes by the time that its end shows: so they are read
		 * first. */
		drain(&pipes->output[0], &outcome->output, false);
		drain(&pipes->errors[0], &outcome->complaints, true);
		if (outcome->output.failed || outcome->complaints.failed)
			return PROGRAM_TOO_MUCH;
		if (polled[0].revents)
			return PROGRAM_EXITED;
	}
}

/* The group's leader is not waited for yet, so the number is still its own. */
static void kill_group(pid_t pid, int pidfd)
{
	struct pollfd polled = { .fd = pidfd, .events = POLLIN };
	double deadline_ms = clock_monotonic_ms() + KILLED_WAIT_MS;

	kill(-pid, SIGKILL);
	while (milliseconds_left(deadline_ms) && poll(&polled, 1, milliseconds_left(deadline_ms)) <= 0)
		;
}

static void reap(int pidfd, struct program_outcome *outcome)
{
	siginfo_t info = { 0 };

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) < 0 && errno == EINTR)
		;
	if (outcome->end == PROGRAM_EXITED && info.si_code != CLD_EXITED)
		outcome->end = PROGRAM_SIGNALED;
	outcome->code = info.si_status;
}

int program_run(const struct program *program, struct program_outcome *outcome, struct error *err)
{
	cleanup_pipes struct pipes pipes = { -1, { -1, -1 }, { -1, -1 } };
	double deadline_ms = clock_monotonic_ms() + program->timeout_ms;
	cleanup_fd int pidfd = -1;
	pid_t pid;
	int number;

	*outcome = (struct program_outcome){ .output = { .limit = program->output_limit } };
	if (pipes_open(&pipes, program->input, err) < 0)
		return -1;
	number = spawn(program, &pipes, &pid);
	if (number)
		return error_errno(err, ERROR_FAILED, number, "'%s' cannot be run", program->file);
	cleanup_close_fd(&pipes.output[1]);
	cleanup_close_fd(&pipes.errors[1]);
	pipes.output[1] = pipes.errors[1] = -1;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		number = errno;
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return error_errno(err, ERROR_FAILED, number, "'%s' cannot be watched", program->file);
	}
	outcome->end = follow(pidfd, &pipes, deadline_ms, outcome);
	if (outcome->end != PROGRAM_EXITED)
		kill_group(pid, pidfd);
	reap(pidfd, outcome);
	return 0;
}
