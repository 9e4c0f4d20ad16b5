#include "live/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "live/sign.h"
#include "live/urgency.h"

/* Whether what is committed has begun; it is one of the last two for ever. */
enum { PHASE_OPEN, PHASE_COMMITTED, PHASE_LATE };

/* In memory that wsnap and the guard share. */
struct guard_page {
	atomic_int phase;
	atomic_bool thawed;
	atomic_bool finished;
	atomic_bool stays_frozen;
};

struct order {
	bool armed;
	bool asks;       /* for an answer */
	double until_ms; /* of clock_monotonic_ms(); 0: there is no end */
};

static const struct guard_duty no_duty = { .kept = { -1, -1, -1, -1, -1, -1, -1, -1 } };

static void thaw(const struct freezer *freezer, struct guard_page *page)
{
	const char *word = freezer_thaw_word(freezer);

	/* Said before it is done: whoever still reads that it has not thawed knows that the workspace has been
	 * frozen until then. */
	atomic_store(&page->thawed, true);
	while (pwrite(freezer->control, word, strlen(word), 0) < 0 && (errno == EINTR || errno == EBUSY))
		;
	sign_write_thawed(freezer->sign);
}

/* False: it is too late for that from now on. */
static bool is_committed(struct guard_page *page)
{
	int phase = PHASE_OPEN;

	return !atomic_compare_exchange_strong(&page->phase, &phase, PHASE_LATE) && phase == PHASE_COMMITTED;
}

static bool time_is_over(const struct order *order, struct guard_page *page)
{
	return order->armed && order->until_ms > 0 && clock_monotonic_ms() >= order->until_ms && !is_committed(page);
}

/* How long poll(2) may wait. */
static int wait_ms(const struct order *order, struct guard_page *page)
{
	double left_ms = order->until_ms - clock_monotonic_ms();

	if (!order->armed || order->until_ms <= 0 || atomic_load(&page->phase) == PHASE_COMMITTED)
		return -1;
	return left_ms > 0 ? (int)left_ms + 1 : 0;
}

/* 1 a new order, 0 wsnap is gone, or the time is over. */
static int wait_for_order(int line, struct order *order, struct guard_page *page)
{
	struct pollfd wait = { .fd = line, .events = POLLIN };

	for (;;) {
		int ready = poll(&wait, 1, wait_ms(order, page));

		if (ready > 0) {
			ssize_t got = recv(line, order, sizeof(*order), 0);

			if (got < 0 && errno == EINTR)
				continue;
			return got == sizeof(*order);
		}
		if (ready == 0 && time_is_over(order, page))
			return 0;
	}
}

/* Somebody waits for that; if he is gone, that is seen next. */
static void answer(int line)
{
	(void)!send(line, "", 1, MSG_NOSIGNAL);
}

/* Whoever was killed on the way to it has not frozen it yet, and somebody else's pause may have ended: what is committed is
 * finished over a workspace that stands still, or that nobody is in any more. */
static bool stands_still(const struct freezer *freezer, struct guard_page *page)
{
	struct error ignored = { 0 };
	int held = freezer_is_held(freezer, &ignored);

	if (held != 0)
		return held < 0 || freezer_wait(freezer, GUARD_FREEZE_MS, &ignored) != 0;
	/* Nobody would know of a freeze of ours: whose pause it was has let it run, and the next recovery sees that. */
	if (atomic_load(&page->stays_frozen))
		return false;
	return freezer_freeze(freezer, GUARD_FREEZE_MS, &ignored) != 0;
}

/* Whether it may run again. Where it cannot be made to stand still, it runs with what an earlier run has left, as before. */
static bool finish(const struct freezer *freezer, const struct guard_duty *duty, struct guard_page *page)
{
	if (!stands_still(freezer, page))
		return true;
	if (!duty->finish || duty->finish(duty->context) < 0)
		return false;
	atomic_store(&page->finished, true);
	return true;
}

/* wsnap is gone, or the time is over. What was not begun is given up once the workspace runs, since that may take its time. */
static void end(const struct freezer *freezer, const struct guard_duty *duty, struct guard_page *page)
{
	bool committed = is_committed(page);

	if ((!committed || finish(freezer, duty, page)) && !atomic_load(&page->stays_frozen))
		thaw(freezer, page);
	if (atomic_load(&page->finished))
		duty->settle(duty->context);
	else if (!committed && duty->give_up)
		duty->give_up(duty->context);
}

/* Only what is safe after a fork of a process with threads; but for a duty, for which there are none. */
__attribute__((noreturn)) static void stand_guard(int line, const struct freezer *freezer,
						  const struct guard_duty *duty, struct guard_page *page)
{
	struct order order = { 0 };
	struct urgency urgency = { 0 };

	urgency_begin(&urgency);
	for (int signal = 1; signal < NSIG; signal++)
		if (signal != SIGKILL && signal != SIGSTOP)
			(void)!sigaction(signal, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	setsid();
	while (wait_for_order(line, &order, page) > 0)
		if (order.asks)
			answer(line);
	if (order.armed)
		end(freezer, duty, page);
	_exit(0);
}

static int compare_numbers(const void *a, const void *b)
{
	const int *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Closes all other descriptors of wsnap's: the guard would go on holding its locks. */
static void keep_only(int line, const struct freezer *freezer, const struct guard_duty *duty)
{
	const int own[] = { line, freezer->control, freezer->events, freezer->sign };
	enum { MOST = GUARD_MOST_KEPT + sizeof(own) / sizeof(*own) };
	int kept[MOST];
	unsigned next = 0;

	memcpy(kept, duty->kept, sizeof(duty->kept));
	memcpy(kept + GUARD_MOST_KEPT, own, sizeof(own));
	qsort(kept, MOST, sizeof(*kept), compare_numbers);
	for (size_t i = 0; i < MOST; i++) {
		if (kept[i] > (int)next)
			close_range(next, (unsigned)kept[i] - 1, 0);
		if (kept[i] >= (int)next)
			next = (unsigned)kept[i] + 1;
	}
	close_range(next, ~0U, 0);
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

int guard_begin(struct guard *guard, const struct freezer *freezer, const struct guard_duty *duty, struct error *err)
{
	int theirs = -1;

	*guard = GUARD_NONE;
	if (open_line(guard, &theirs, err) < 0) {
		guard_end(guard);
		return -1;
	}
	atomic_store(&guard->page->stays_frozen, duty && duty->stays_frozen);
	if (duty && duty->committed)
		atomic_store(&guard->page->phase, PHASE_COMMITTED);
	guard->pid = fork();
	if (guard->pid == 0) {
		keep_only(theirs, freezer, duty ? duty : &no_duty);
		stand_guard(theirs, freezer, duty ? duty : &no_duty, guard->page);
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
	if (guard->pid <= 0 || waitpid(guard->pid, NULL, WNOHANG) != 0) {
		guard->pid = 0;
		return error_set(err, ERROR_FAILED, "the guard of the frozen workspace was killed");
	}
	if (send(guard->line, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order))
		return error_errno(err, ERROR_FAILED, errno, "cannot speak to the guard of the frozen workspace");
	return 0;
}

int guard_arm(struct guard *guard, unsigned max_ms, struct error *err)
{
	guard->until_ms = clock_monotonic_ms() + max_ms;
	return give_order(guard, &(struct order){ .armed = true, .until_ms = guard->until_ms }, err);
}

void guard_leave_frozen(struct guard *guard)
{
	atomic_store(&guard->page->stays_frozen, true);
}

int guard_disarm(struct guard *guard, struct error *err)
{
	const struct order order = { .armed = false };

	guard->until_ms = 0;
	return give_order(guard, &order, err);
}

int guard_commit(struct guard *guard, unsigned wait_ms, struct error *err)
{
	const struct order order = { .armed = true, .asks = true, .until_ms = guard->until_ms };
	struct pollfd wait = { .fd = guard->line, .events = POLLIN };
	int phase = PHASE_OPEN;
	char answered;

	if (give_order(guard, &order, err) < 0)
		return -1;
	if (poll(&wait, 1, (int)wait_ms) != 1 || recv(guard->line, &answered, 1, MSG_DONTWAIT) != 1)
		return error_set(err, ERROR_FAILED, "the guard of the frozen workspace does not answer");
	if (atomic_compare_exchange_strong(&guard->page->phase, &phase, PHASE_COMMITTED) || phase == PHASE_COMMITTED)
		return 0;
	return error_set(err, ERROR_FAILED, "the guard of the frozen workspace has thawed it");
}

int guard_take_over(struct guard *guard, struct error *err)
{
	pid_t pid = guard->pid;

	if (guard->line >= 0)
		close(guard->line);
	guard->line = -1;
	guard->pid = 0;
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && atomic_load(&guard->page->finished)
		       ? 0
		       : error_set(err, ERROR_FAILED, "its guard could not finish it");
}

bool guard_has_thawed(const struct guard *guard)
{
	return atomic_load(&guard->page->thawed) || atomic_load(&guard->page->phase) == PHASE_LATE;
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
