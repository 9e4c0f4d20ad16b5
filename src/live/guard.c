#include "live/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* In memory that wsnap and the guard share. */
struct guard_page {
	atomic_bool thawed;
};

struct order {
	bool armed;
	double until_ms; /* of clock_monotonic_ms() */
};

static void thaw(const struct freezer *freezer, struct guard_page *page)
{
	const char *word = freezer_thaw_word(freezer);

	/* Said before it is done: whoever still reads that it has not thawed knows that the workspace has been
	 * frozen until then. */
	atomic_store(&page->thawed, true);
	while (pwrite(freezer->control, word, strlen(word), 0) < 0 && (errno == EINTR || errno == EBUSY))
		;
}

/* 1 a new order, 0 wsnap is gone, or the time is over. */
static int wait_for_order(int line, struct order *order)
{
	struct pollfd wait = { .fd = line, .events = POLLIN };

	for (;;) {
		double left_ms = order->until_ms - clock_monotonic_ms();
		int ready = poll(&wait, 1, !order->armed ? -1 : left_ms > 0 ? (int)left_ms + 1 : 0);

		if (ready > 0) {
			ssize_t got = recv(line, order, sizeof(*order), 0);

			if (got < 0 && errno == EINTR)
				continue;
			return got == sizeof(*order);
		}
		if (ready == 0 && order->armed && clock_monotonic_ms() >= order->until_ms)
			return 0;
	}
}

/* Only what is safe after a fork of a process with threads. */
__attribute__((noreturn)) static void stand_guard(int line, const struct freezer *freezer, struct guard_page *page)
{
	struct order order = { 0 };

	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			(void)!sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	setsid();
	while (wait_for_order(line, &order) > 0)
		;
	if (order.armed)
		thaw(freezer, page);
	_exit(0);
}

/* Closes all other descriptors of wsnap's: the guard would go on holding its locks. */
static void keep_only(int line, int control)
{
	unsigned low = (unsigned)(line < control ? line : control), high = (unsigned)(line < control ? control : line);

	if (low > 0)
		close_range(0, low - 1, 0);
	if (low + 1 < high)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static int open_line(struct guard *guard, int *theirs, struct error *err)
{
	int ends[2];

	guard->page = mmap(NULL, sizeof(*guard->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (guard->page == MAP_FAILED) {
		guard->page = NULL;
		return error_memory(err);
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open a pair of sockets");
	*theirs = ends[0];
	guard->line = ends[1];
	return 0;
}

int guard_begin(struct guard *guard, const struct freezer *freezer, struct error *err)
{
	int theirs = -1;

	*guard = GUARD_NONE;
	if (open_line(guard, &theirs, err) < 0) {
		guard_end(guard);
		return -1;
	}
	guard->pid = fork();
	if (guard->pid == 0) {
		keep_only(theirs, freezer->control);
		stand_guard(theirs, freezer, guard->page);
	}
	close(theirs);
	if (guard->pid > 0)
		return 0;
	error_errno(err, ERROR_FAILED, errno, "cannot start the guard of the frozen workspace");
	guard->pid = 0;
	guard_end(guard);
	return -1;
}

static int give_order(struct guard *guard, const struct order *order, struct error *err)
{
	if (waitpid(guard->pid, NULL, WNOHANG) != 0) {
		guard->pid = 0;
		return error_set(err, ERROR_FAILED, "the guard of the frozen workspace was killed");
	}
	if (send(guard->line, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order))
		return error_errno(err, ERROR_FAILED, errno, "cannot speak to the guard of the frozen workspace");
	return 0;
}

int guard_arm(struct guard *guard, unsigned max_ms, struct error *err)
{
	const struct order order = { .armed = true, .until_ms = clock_monotonic_ms() + max_ms };

	return give_order(guard, &order, err);
}

int guard_disarm(struct guard *guard, struct error *err)
{
	const struct order order = { .armed = false };

	return give_order(guard, &order, err);
}

bool guard_has_thawed(const struct guard *guard)
{
	return atomic_load(&guard->page->thawed);
}

void guard_end(struct guard *guard)
{
	if (guard->line >= 0)
		close(guard->line);
	if (guard->pid > 0)
		waitpid(guard->pid, NULL, 0);
	if (guard->page)
		munmap(guard->page, sizeof(*guard->page));
	*guard = GUARD_NONE;
}
