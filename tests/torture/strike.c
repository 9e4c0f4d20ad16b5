/*
 * strike SET AT ACTION REPORT PROGRAM ARGUMENT…
 *
 * Runs a program and strikes it just before one of its system calls. The calls of a SET are counted over all
 * threads, from the program's first socket on (what the loader and the configuration did before is of no
 * interest), and the ATth is struck (0: none). Processes that it starts are left alone.
 *
 *   SET      noticed: what the world outside can notice
 *            failing: what a kernel may refuse, with the error of the action if one is given
 *            commit: the call that sends COMMIT to Postgres, and the one after it
 *   ACTION   none
 *            kill            SIGKILL; the call is not made
 *            killall         the same for the processes that it has started, and then for itself
 *            error:NAME      the call is not made and fails with that errno; a send that fails takes its
 *                            connection with it, else the peers would wait for each other as they never do
 *            signal:NAME     the signal is sent, then the call is made
 *            run:COMMAND     bash runs the command while the program stands still, then the call is made
 *   REPORT   a file that gets the number of calls, and the name of the struck one or "-"
 *
 * The exit status is the program's, 128 + N when signal N ended it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* Who cares for a call: the world outside; the error that it can give besides ENOMEM. */
enum {
	NOTICED = 1,
	FAILING = 2, /* ENOMEM */
	FILES = 4,   /* EIO */
	SPACE = 8,   /* ENOSPC */
	WIRE = 16,   /* ECONNRESET */
};

static const struct call {
	long number;
	const char *name;
	int sets;
} calls[] = {
#define CALL(name, sets)                \
	{                               \
		SYS_##name, #name, sets \
	}
#define CHANGES (NOTICED | FAILING | FILES | SPACE)
#define LOOKS (FAILING | FILES)
	CALL(openat, CHANGES),
	CALL(write, CHANGES | WIRE),
	CALL(writev, CHANGES | WIRE),
	CALL(pwrite64, CHANGES),
	CALL(sendto, NOTICED | FAILING | WIRE),
	CALL(sendmsg, NOTICED | FAILING | WIRE),
	CALL(connect, NOTICED | FAILING | WIRE),
	CALL(shutdown, NOTICED),
	CALL(flock, NOTICED | FAILING | FILES),
	CALL(fsync, CHANGES),
	CALL(fdatasync, CHANGES),
	CALL(syncfs, CHANGES),
	CALL(ftruncate, CHANGES),
	CALL(renameat, CHANGES),
	CALL(renameat2, CHANGES),
	CALL(unlinkat, CHANGES),
	CALL(mkdirat, CHANGES),
	CALL(linkat, CHANGES),
	CALL(symlinkat, CHANGES),
	CALL(mknodat, CHANGES),
	CALL(fchownat, CHANGES),
	CALL(fchown, CHANGES),
	CALL(fchmod, CHANGES),
	CALL(fsetxattr, CHANGES),
	CALL(openat2, CHANGES),
	CALL(fchmodat, CHANGES),
	CALL(utimensat, CHANGES),
	CALL(lsetxattr, CHANGES),
	CALL(copy_file_range, CHANGES),
	CALL(clone, NOTICED | FAILING),
	CALL(clone3, NOTICED | FAILING),
	CALL(exit_group, NOTICED),
	CALL(socket, FAILING),
	CALL(read, LOOKS | WIRE),
	CALL(pread64, LOOKS),
	CALL(recvfrom, FAILING | WIRE),
	CALL(poll, FAILING),
	CALL(getdents64, LOOKS),
	CALL(newfstatat, LOOKS),
	CALL(fstatfs, LOOKS),
	CALL(statfs, LOOKS),
	CALL(readlinkat, LOOKS),
	CALL(faccessat, LOOKS),
	CALL(faccessat2, LOOKS),
	CALL(llistxattr, LOOKS),
	CALL(lgetxattr, LOOKS),
	CALL(pipe2, FAILING),
	CALL(eventfd2, FAILING),
	CALL(socketpair, FAILING),
	CALL(mmap, FAILING),
};

static struct {
	const char *set, *action, *struck;
	long at, count;
	bool begun;     /* the first socket was made */
	bool committed; /* COMMIT was just sent */
	pid_t failing;  /* the thread whose call must fail */
	int error;
	pid_t program;
	int status;
} strike;

static void die(const char *what)
{
	fprintf(stderr, "strike: %s: %s\n", what, strerror(errno));
	exit(125);
}

static const struct call *find_call(long number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static int errno_of(const char *name)
{
	for (int error = 1; error < 200; error++) {
		const char *candidate = strerrorname_np(error);

		if (candidate && strcmp(candidate, name) == 0)
			return error;
	}
	errno = EINVAL;
	die(name);
	return 0;
}

static int signal_of(const char *name)
{
	for (int signal = 1; signal < 32; signal++) {
		const char *candidate = sigabbrev_np(signal);

		if (candidate && strcmp(candidate, name) == 0)
			return signal;
	}
	errno = EINVAL;
	die(name);
	return 0;
}

static void run_command(const char *command)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/bash", "bash", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		die(command);
}

#ifdef __x86_64__
static void skip_call(pid_t thread)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) < 0)
		die("registers");
	registers.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, thread, NULL, &registers) < 0)
		die("registers");
	strike.failing = thread;
}

static void let_call_fail(pid_t thread)
{
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) < 0)
		die("registers");
	registers.rax = (unsigned long long)-strike.error;
	if (ptrace(PTRACE_SETREGS, thread, NULL, &registers) < 0)
		die("registers");
	strike.failing = 0;
}
#else
static void skip_call(pid_t thread)
{
	(void)thread;
	errno = ENOTSUP;
	die("errors are injected on x86-64 alone");
}

static void let_call_fail(pid_t thread)
{
	(void)thread;
}
#endif

static void break_connection(int fd)
{
	int process = (int)syscall(SYS_pidfd_open, strike.program, 0);
	int ours = process < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, process, fd, 0);

	if (ours < 0 || shutdown(ours, SHUT_RDWR) < 0)
		fprintf(stderr, "strike: the connection stays: %s\n", strerror(errno));
	close(ours);
	close(process);
}

/* Its children, as the program's main thread has them (proc(5), children). */
static void kill_children(void)
{
	char path[64];
	FILE *children;
	int child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", strike.program, strike.program);
	children = fopen(path, "re");
	while (children && fscanf(children, "%d", &child) == 1)
		kill(child, SIGKILL);
	if (children)
		fclose(children);
}

static void act(pid_t thread, const struct __ptrace_syscall_info *info)
{
	const char *argument = strchr(strike.action, ':');

	if (strncmp(strike.action, "kill", 4) == 0) {
		if (strcmp(strike.action, "killall") == 0)
			kill_children();
		kill(strike.program, SIGKILL);
	} else if (strncmp(strike.action, "error:", 6) == 0) {
		strike.error = errno_of(argument + 1);
		skip_call(thread);
		if (info->entry.nr == SYS_sendto || info->entry.nr == SYS_sendmsg)
			break_connection((int)info->entry.args[0]);
	} else if (strncmp(strike.action, "signal:", 7) == 0) {
		kill(strike.program, signal_of(argument + 1));
	} else if (strncmp(strike.action, "run:", 4) == 0) {
		run_command(argument + 1);
	}
}

/* Whether the call sends COMMIT, in Postgres' message of a simple query: 'Q', a length, the text. */
static bool sends_commit(pid_t thread, const struct __ptrace_syscall_info *info)
{
	char text[11];
	struct iovec here = { text, sizeof(text) }, there = { (void *)info->entry.args[1], sizeof(text) };

	return info->entry.nr == SYS_sendto && info->entry.args[2] >= sizeof(text) &&
	       process_vm_readv(thread, &here, 1, &there, 1, 0) == (ssize_t)sizeof(text) && text[0] == 'Q' &&
	       memcmp(text + 5, "COMMIT", 6) == 0;
}

static int wanted_calls(void)
{
	static const struct {
		const char *action;
		int sets;
	} errors[] = {
		{ "error:EIO", FILES },
		{ "error:ENOSPC", SPACE },
		{ "error:ECONNRESET", WIRE },
	};

	if (strcmp(strike.set, "noticed") == 0)
		return NOTICED;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(strike.action, errors[i].action) == 0)
			return errors[i].sets;
	return FAILING;
}

static bool belongs_to_set(pid_t thread, const struct __ptrace_syscall_info *info, const struct call *call)
{
	if (strcmp(strike.set, "commit") == 0) {
		bool before = strike.committed;

		strike.committed = sends_commit(thread, info);
		return before || strike.committed;
	}
	return call && (call->sets & wanted_calls());
}

static void at_call(pid_t thread, const struct __ptrace_syscall_info *info)
{
	const struct call *call = find_call((long)info->entry.nr);

	strike.begun = strike.begun || info->entry.nr == SYS_socket;
	if (!strike.begun || !belongs_to_set(thread, info, call) || ++strike.count != strike.at)
		return;
	strike.struck = call ? call->name : "other";
	act(thread, info);
}

static void at_stop(pid_t thread, int status)
{
	struct __ptrace_syscall_info info;
	int signal = WSTOPSIG(status), pass_on = 0;

	if (signal == (SIGTRAP | 0x80)) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) > 0) {
			if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
				at_call(thread, &info);
			else if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread == strike.failing)
				let_call_fail(thread);
		}
	} else if (signal != SIGSTOP && signal != SIGTRAP) {
		pass_on = signal;
	}
	ptrace(PTRACE_SYSCALL, thread, NULL, (long)pass_on); /* fails when it has been killed: that is seen next */
}

static void start(char **words)
{
	int status;

	strike.program = fork();
	if (strike.program == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execvp(words[0], words);
		_exit(127);
	}
	if (strike.program < 0 || waitpid(strike.program, &status, 0) < 0)
		die(words[0]);
	if (ptrace(PTRACE_SETOPTIONS, strike.program, NULL,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		die("ptrace");
	ptrace(PTRACE_SYSCALL, strike.program, NULL, NULL);
}

static void follow(void)
{
	int status;
	pid_t thread;

	while ((thread = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (thread > 0 && WIFSTOPPED(status))
			at_stop(thread, status);
		else if (thread == strike.program)
			strike.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

int main(int count, char **words)
{
	FILE *report;

	if (count < 6) {
		fprintf(stderr, "usage: strike SET AT ACTION REPORT PROGRAM ARGUMENT...\n");
		return 125;
	}
	strike.set = words[1];
	strike.at = strtol(words[2], NULL, 10);
	strike.action = words[3];
	start(words + 5);
	follow();
	report = fopen(words[4], "w");
	if (!report || fprintf(report, "%ld %s\n", strike.count, strike.struck ? strike.struck : "-") < 0 ||
	    fclose(report) != 0)
		die(words[4]);
	return strike.status;
}
