#include "workspace/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/journal.h"
#include "workspace/label_keys.h"

#define FILE_POLL_MS 20
/* A call to containerd each time. */
#define LEASE_POLL_MS 100

static double deadline_of(const struct lock_request *request)
{
	return clock_monotonic_ms() + request->wait_s * 1e3;
}

static int hint_to_wait(unsigned wait_s, struct error *err)
{
	return error_hint(err, wait_s ? "try again later, or wait longer with --wait SECONDS"
				      : "wait for it with --wait SECONDS");
}

/* A signal that nobody holds back ends the process. One that an outer holder keeps back ends the wait. */
static bool is_interrupted(const struct lock_request *request, struct error *err)
{
	int signal = signals_pending();

	if (signal)
		error_set(err, ERROR_FAILED, "'%s' was not touched: interrupted by SIG%s", request->container_id,
			  sigabbrev_np(signal));
	return signal != 0;
}

/* --- the file ------------------------------------------------------------------------------------- */

/* What the holder wrote into its lock: "pid 4711, version since …". */
static void read_holder(int fd, char *holder, size_t size)
{
	ssize_t got = pread(fd, holder, size - 1, 0);

	holder[got > 0 ? got : 0] = '\0';
	text_clean(holder);
}

static int file_is_busy(int fd, const struct lock_request *request, struct error *err)
{
	char holder[256];

	read_holder(fd, holder, sizeof(holder));
	error_set(err, ERROR_BUSY, "'%s' is busy: another run of wsnap holds it%s%s%s", request->container_id,
		  holder[0] ? " (" : "", holder, holder[0] ? ")" : "");
	return hint_to_wait(request->wait_s, err);
}

static int wait_for_file(int fd, const struct lock_request *request, double deadline, struct error *err)
{
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, ERROR_FAILED, errno, "the lock of '%s' cannot be taken",
					   request->container_id);
		if (clock_monotonic_ms() >= deadline)
			return file_is_busy(fd, request, err);
		if (is_interrupted(request, err))
			return -1;
		clock_sleep_ms(FILE_POLL_MS);
	}
	return 0;
}

/* Only for the messages of others: a failure here must not stop anything. */
static void write_holder(int fd, const char *what)
{
	char since[CLOCK_TEXT_SIZE];
	cleanup_free char *line = NULL;

	clock_format(clock_unix_ns(), since);
	line = text_format("pid %d, %s since %s", (int)getpid(), what, since);
	if (!line || ftruncate(fd, 0) < 0 || pwrite(fd, line, strlen(line), 0) < 0)
		return;
}

static int take_file(struct session *session, const struct lock_request *request, double deadline, struct error *err)
{
	cleanup_free char *name = text_format("%s~%s.lock", session->settings->namespace, request->container_id);
	cleanup_fd int fd = -1;

	if (!name)
		return error_memory(err);
	if (session_open_state(session, err) < 0)
		return -1;
	fd = openat(session->state_dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "the lock '%s/%s' cannot be opened",
				   session->settings->state_dir, name);
	if (wait_for_file(fd, request, deadline, err) < 0)
		return -1;
	write_holder(fd, request->what);
	return steal_fd(&fd);
}

bool lock_exists(struct session *session, const char *container_id)
{
	cleanup_free char *name = text_format("%s~%s.lock", session->settings->namespace, container_id);

	return name && faccessat(session->state_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- the lease ------------------------------------------------------------------------------------ */

static int hint_to_end(const struct lock_lease *lease, struct error *err)
{
	const char *state = labels_get(&lease->held_by, LABEL_LOCK_STATE);

	if (lease->holder.state == HOLDER_DEAD)
		return error_hint(err,
				  "that run has ended: 'wsnap --state-dir %s recover %s' ends what it left; where that "
				  "directory is lost, 'wsnap recover --break-lock %s' takes the lock away",
				  state ? state : "DIR", lease->container_id, lease->container_id);
	return error_hint(err,
			  "it cannot be seen from here whether that run still lives: if you know that it has ended, "
			  "'wsnap recover --break-lock %s' takes the lock away",
			  lease->container_id);
}

static int lease_is_busy(const struct lock_lease *lease, const struct lock_request *request, struct error *err)
{
	cleanup_free char *words = holder_words(&lease->held_by);

	error_set(err, ERROR_BUSY, "'%s' is busy: another run of wsnap holds it (%s)", request->container_id,
		  words ? words : "");
	if (request->break_it)
		return error_hint(err, "that run still lives on this host: end it first");
	return lease->held_by.count && lease->holder.state != HOLDER_ALIVE ? hint_to_end(lease, err)
									   : hint_to_wait(request->wait_s, err);
}

/* A signal ends the wait. Signals are held back from just before the lease is created, so that no run leaves one
 * behind. */
static int wait_for_lease(struct lock *lock, const struct lock_request *request, double deadline, struct error *err)
{
	for (;;) {
		int taken;

		signals_hold(&lock->signals);
		taken = lock_lease_try(&lock->lease, err);
		if (taken > 0)
			return 0;
		signals_deliver(&lock->signals);
		if (taken < 0)
			return -1;
		if (clock_monotonic_ms() >= deadline)
			return lease_is_busy(&lock->lease, request, err);
		if (is_interrupted(request, err))
			return -1;
		clock_sleep_ms(LEASE_POLL_MS);
	}
}

/* --- both ----------------------------------------------------------------------------------------- */

static void drop_locally(struct lock *lock)
{
	lock_lease_release(&lock->lease);
	if (lock->file >= 0)
		close(lock->file);
	lock->file = -1;
}

int lock_take(struct session *session, const struct lock_request *request, struct lock *lock, struct error *err)
{
	double deadline = deadline_of(request);

	*lock = (struct lock){ .file = -1,
			       .lease = { .session = session,
					  .container_id = request->container_id,
					  .only_look = request->only_look,
					  .break_it = request->break_it } };
	lock->file = take_file(session, request, deadline, err);
	if (lock->file < 0)
		return -1;
	if (holder_describe_self(session, lock->file, request->what, &lock->lease.own, err) == 0 &&
	    wait_for_lease(lock, request, deadline, err) == 0)
		return 0;
	drop_locally(lock);
	return -1;
}

/* Whether there is the lease of an operation on it. */
static bool has_operation_lease(const struct lock *lock)
{
	cleanup_free char *filter = text_format("labels.\"" LABEL_CONTAINER "\"==\"%s\"", lock->lease.container_id);
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	struct error ignored = { 0 };

	/* What cannot be told counts as one. */
	if (!filter || ctr_lease_list(lock->lease.session->ctr, filter, &leases, &ignored) < 0)
		return true;
	for (size_t i = 0; i < leases.count; i++)
		if (text_starts_with(leases.items[i].id, OPERATION_LEASE))
			return true;
	return false;
}

/* An operation that has ended incomplete is this state directory's to finish: others are to leave what it needs alone, as behind
 * a run that was killed. */
static bool leaves_operation(const struct lock *lock)
{
	struct error ignored = { 0 };

	return lock->lease.first && journal_exists(lock->lease.session, lock->lease.container_id, &ignored) != 0 &&
	       has_operation_lease(lock);
}

/* The file last: whoever gets it finds the lease gone, or that of a run that has ended. */
static void let_go(struct lock *lock)
{
	struct error failure = { 0 };

	if (leaves_operation(lock)) {
		if (lock_lease_leave(&lock->lease, &failure) < 0)
			log_detail("%s", failure.message);
	} else if (lock_lease_delete(&lock->lease, &failure) < 0)
		log_warning("the lock of '%s' stays in containerd until wsnap's next run on it: %s",
			    lock->lease.container_id, failure.message);
	if (!lock->lease.only_look)
		signals_keep_pipe(&lock->signals);
	drop_locally(lock);
}

int lock_release(struct lock *lock)
{
	if (lock->file < 0)
		return 0;
	let_go(lock);
	return signals_release(&lock->signals);
}

int lock_release_to_tell(struct lock *lock)
{
	if (lock->file < 0)
		return 0;
	let_go(lock);
	return signals_release_to_tell(&lock->signals);
}

int lock_add_left(struct session *session, const char *container_id, struct names_set *containers, struct error *err)
{
	cleanup_ctr_leases struct ctr_leases leases = { 0 };
	cleanup_labels struct labels own = { 0 };

	if (lock_lease_list(session, container_id, &leases, err) < 0)
		return -1;
	if (leases.count && holder_describe_self(session, -1, "", &own, err) < 0)
		return -1;
	for (size_t i = 0; i < leases.count; i++) {
		const char *id = labels_get(&leases.items[i].labels, LABEL_CONTAINER);
		const struct ctr_lease *holder = id ? lock_lease_holder(&leases, id) : NULL;
		struct holder judged = { 0 };

		if (holder)
			judged = holder_judge(&own, &holder->labels);
		if (judged.ours && judged.state != HOLDER_ALIVE && names_set_add(containers, id, err) < 0)
			return -1;
	}
	return 0;
}
