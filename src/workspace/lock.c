#include "workspace/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#define POLL_MS 20

/* What the holder wrote into its lock: "pid 4711, version since …". */
static void read_holder(int fd, char *holder, size_t size)
{
	ssize_t got = pread(fd, holder, size - 1, 0);

	holder[got > 0 ? got : 0] = '\0';
	text_clean(holder);
}

static int busy(int fd, const char *container_id, unsigned wait_s, struct error *err)
{
	char holder[256];

	read_holder(fd, holder, sizeof(holder));
	error_set(err, ERROR_BUSY, "'%s' is busy: another run of wsnap holds it%s%s%s", container_id,
		  holder[0] ? " (" : "", holder, holder[0] ? ")" : "");
	return error_hint(err, wait_s ? "try again later, or wait longer with --wait SECONDS"
				      : "wait for it with --wait SECONDS");
}

static int wait_for(int fd, const char *container_id, unsigned wait_s, struct error *err)
{
	double deadline = clock_monotonic_ms() + wait_s * 1e3;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_errno(err, ERROR_FAILED, errno, "the lock of '%s' cannot be taken", container_id);
		if (clock_monotonic_ms() >= deadline)
			return busy(fd, container_id, wait_s, err);
		clock_sleep_ms(POLL_MS);
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

int lock_take(struct session *session, const char *container_id, const char *what, unsigned wait_s, struct error *err)
{
	cleanup_free char *name = text_format("%s~%s.lock", session->settings->namespace, container_id);
	cleanup_fd int fd = -1;

	if (!name)
		return error_memory(err);
	if (session_open_state(session, err) < 0)
		return -1;
	fd = openat(session->state_dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, ERROR_FAILED, errno, "the lock '%s/%s' cannot be opened",
				   session->settings->state_dir, name);
	if (wait_for(fd, container_id, wait_s, err) < 0)
		return -1;
	write_holder(fd, what);
	return steal_fd(&fd);
}

bool lock_exists(struct session *session, const char *container_id)
{
	cleanup_free char *name = text_format("%s~%s.lock", session->settings->namespace, container_id);

	return name && faccessat(session->state_dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}
