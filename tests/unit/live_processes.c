/* The files that a process holds: where they cannot be looked at, that is an error and not nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/processes.h"
#include "support/scratch.h"

static volatile sig_atomic_t asked;

static void ask(int signal)
{
	asked = signal;
}

static void *stay(void *argument)
{
	while (!argument)
		pause();
	return argument;
}

/* At a signal the first thread ends, and another goes on. */
static void leave_to_a_thread(void)
{
	pthread_t thread;

	while (!asked)
		pause();
	if (pthread_create(&thread, NULL, stay, NULL) != 0)
		_exit(1);
	pthread_exit(NULL);
}

/* A file that is mapped and not open any more, and one that is open. */
static void hold_files(int ready)
{
	int open_file, mapped_file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGUSR1, ask);
	open_file = open("open", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	mapped_file = open("mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (open_file < 0 || ftruncate(mapped_file, 4096) < 0 ||
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, mapped_file, 0) == MAP_FAILED ||
	    close(mapped_file) < 0 || write(ready, "", 1) != 1)
		_exit(1);
	leave_to_a_thread();
}

static pid_t begin(void)
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(chdir(scratch), 0);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		hold_files(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

struct found {
	unsigned mapped, open;
};

static int count(const struct open_file *file, void *context, struct error *err)
{
	struct found *found = context;
	char path[PATH_MAX] = "";

	(void)err;
	if (readlinkat(file->link_dir, file->link, path, sizeof(path) - 1) > 0 && strstr(path, scratch) == path)
		*(file->mapped ? &found->mapped : &found->open) += 1;
	return 0;
}

/* The lowest descriptor that is free. */
static int next_descriptor(void)
{
	cleanup_fd int fd = open("/", O_PATH | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void limit_descriptors(rlim_t most)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* With one descriptor more each time: nothing is told to be all until it is. */
static void test_what_cannot_be_looked_at(void **state)
{
	rlim_t free_one = (rlim_t)next_descriptor();
	pid_t pid = begin();
	unsigned failures = 0;
	struct found found;
	int looked = -1;

	(void)state;
	for (rlim_t more = 0; looked < 0 && more < 32; more++) {
		struct error err = { 0 };

		found = (struct found){ 0 };
		limit_descriptors(free_one + more);
		looked = processes_files((uint32_t)pid, true, count, &found, &err);
		limit_descriptors(512);
		if (looked < 0)
			assert_non_null(strstr(err.message, "of its processes cannot be looked at"));
		failures += looked < 0;
	}
	assert_int_equal(looked, 0);
	assert_int_equal(found.mapped, 1);
	assert_int_equal(found.open, 1);
	assert_true(failures > 3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Its first thread ends, and the others go on: what they have mapped shows under their numbers alone. */
static void test_a_first_thread_that_has_ended(void **state)
{
	struct found found = { 0 };
	struct error err = { 0 };
	pid_t pid = begin();

	(void)state;
	kill(pid, SIGUSR1);
	for (unsigned tries = 0; tries < 1000 && found.mapped == 0; tries++) {
		char path[64], state_of[512] = "";
		cleanup_fd int file = -1;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		file = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(read(file, state_of, sizeof(state_of) - 1) > 0);
		if (strstr(state_of, ") Z "))
			assert_int_equal(processes_files((uint32_t)pid, true, count, &found, &err), 0);
		usleep(10000);
	}
	assert_int_equal(found.mapped, 1);
	assert_int_equal(found.open, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Whoever has ended has nothing. */
static void test_a_process_that_is_gone(void **state)
{
	struct found found = { 0 };
	struct error err = { 0 };
	pid_t pid = begin();

	(void)state;
	kill(pid, SIGKILL);
	while (waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) < 0)
		;
	assert_int_equal(processes_files((uint32_t)pid, true, count, &found, &err), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(processes_files((uint32_t)pid, true, count, &found, &err), 0);
	assert_int_equal(found.mapped + found.open, 0);
}

/* Ways to write that nobody waits for: also where the ring is closed, and only mapped. */
static void test_ways_to_write(void **state)
{
	static const int wanted[] = { PROCESSES_AIO, PROCESSES_AIO | PROCESSES_RING, PROCESSES_AIO | PROCESSES_RING,
				      PROCESSES_AIO };
	struct io_uring_params params = { 0 };
	aio_context_t context = 0;
	void *mapped = NULL;
	int ring = -1;

	(void)state;
	assert_int_equal(syscall(SYS_io_setup, 4, &context), 0);
	for (int step = 0; step < 4; step++) {
		struct found found = { 0 };
		struct error err = { 0 };

		if (step == 1)
			ring = (int)syscall(SYS_io_uring_setup, 4, &params);
		if (step == 1 && ring < 0)
			break; /* not allowed here */
		if (step == 2) {
			mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
			assert_true(mapped != MAP_FAILED);
			close(ring);
		}
		if (step == 3)
			munmap(mapped, 4096);
		assert_int_equal(processes_files((uint32_t)getpid(), true, count, &found, &err), wanted[step]);
	}
	syscall(SYS_io_destroy, context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cannot_be_looked_at),
		cmocka_unit_test(test_a_first_thread_that_has_ended),
		cmocka_unit_test(test_a_process_that_is_gone),
		cmocka_unit_test(test_ways_to_write),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
