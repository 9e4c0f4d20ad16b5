#include "live/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/cgroup.h"
#include "live/sign.h"

#define STATE_SIZE 256
#define PAUSE_US 100

static int read_state(int file, char state[static STATE_SIZE], struct error *err)
{
	ssize_t got = pread(file, state, STATE_SIZE - 1, 0);

	if (got < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot read the state of its control group");
	state[got] = '\0';
	return 0;
}

int freezer_is_frozen(const struct freezer *freezer, struct error *err)
{
	char state[STATE_SIZE];

	if (read_state(freezer->events, state, err) < 0)
		return -1;
	return freezer->unified ? strstr(state, "frozen 1") != NULL : text_starts_with(state, "FROZEN");
}

/* What was asked for, whether or not all stand still already; in version 1 also of a group above. */
static int is_asked(const struct freezer *freezer, struct error *err)
{
	char state[STATE_SIZE];

	if (read_state(freezer->control, state, err) < 0)
		return -1;
	return freezer->unified ? state[0] == '1' : !text_starts_with(state, "THAWED");
}

int freezer_is_held(const struct freezer *freezer, struct error *err)
{
	int asked = is_asked(freezer, err);

	return asked == 0 && freezer->unified ? freezer_is_frozen(freezer, err) : asked;
}

/* containerd pauses through version 1 on a hybrid host. */
int freezer_is_paused(const struct freezer *freezer, struct error *err)
{
	char state[STATE_SIZE];
	int held = freezer_is_held(freezer, err);

	if (held != 0 || freezer->other < 0)
		return held;
	return read_state(freezer->other, state, err) < 0 ? -1 : !text_starts_with(state, "THAWED");
}

static int write_state(const struct freezer *freezer, const char *word, struct error *err)
{
	if (pwrite(freezer->control, word, strlen(word), 0) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot write '%s' to its control group", word);
	return 0;
}

const char *freezer_thaw_word(const struct freezer *freezer)
{
	return freezer->unified ? "0" : "THAWED";
}

int freezer_thaw(const struct freezer *freezer, struct error *err)
{
	if (write_state(freezer, freezer_thaw_word(freezer), err) < 0)
		return -1;
	sign_write_thawed(freezer->sign);
	return 0;
}

int freezer_note(const struct freezer *freezer, bool frozen, struct error *err)
{
	return sign_write(freezer->sign, frozen, err);
}

/* In the unified hierarchy the kernel tells of a change. In version 1 the state has to be read again, and each
 * reading makes the kernel try again. */
static void wait_for_change(const struct freezer *freezer, double left_ms)
{
	struct pollfd events = { .fd = freezer->events, .events = POLLPRI };
	struct timespec pause = { .tv_nsec = (long)(left_ms > 0 ? left_ms * 1e6 : 0) };

	pause.tv_sec = pause.tv_nsec / 1000000000;
	pause.tv_nsec %= 1000000000;
	if (freezer->unified)
		ppoll(&events, 1, &pause, NULL);
	else
		usleep(PAUSE_US);
}

int freezer_wait(const struct freezer *freezer, unsigned wait_ms, struct error *err)
{
	double end_ms = clock_monotonic_ms() + wait_ms;
	int frozen;

	while ((frozen = freezer_is_frozen(freezer, err)) == 0) {
		double left_ms = end_ms - clock_monotonic_ms();

		if (left_ms <= 0)
			break;
		wait_for_change(freezer, left_ms);
	}
	return frozen;
}

int freezer_freeze(const struct freezer *freezer, unsigned wait_ms, struct error *err)
{
	int frozen;

	if (write_state(freezer, freezer->unified ? "1" : "FROZEN", err) < 0)
		return -1;
	frozen = freezer_wait(freezer, wait_ms, err);
	if (frozen <= 0) {
		struct error ignored = { 0 };

		if (freezer_thaw(freezer, frozen < 0 ? &ignored : err) < 0)
			return -1;
	}
	return frozen;
}

int freezer_open(struct freezer *freezer, const char *folder, struct error *err)
{
	cleanup_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*freezer = FREEZER_NONE;
	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the control group '%s'", folder);
	freezer->unified = faccessat(dir, "cgroup.freeze", F_OK, 0) == 0;
	freezer->control = openat(dir, freezer->unified ? "cgroup.freeze" : "freezer.state", O_RDWR | O_CLOEXEC);
	freezer->events = openat(dir, freezer->unified ? "cgroup.events" : "freezer.state", O_RDONLY | O_CLOEXEC);
	freezer->folder = strdup(folder);
	if (freezer->control >= 0 && freezer->events >= 0 && freezer->folder)
		return 0;
	error_errno(err, ERROR_FAILED, errno, "the control group '%s' cannot be frozen", folder);
	freezer_release(freezer);
	return -1;
}

void freezer_release(struct freezer *freezer)
{
	if (freezer->control >= 0)
		close(freezer->control);
	if (freezer->events >= 0)
		close(freezer->events);
	if (freezer->sign >= 0)
		close(freezer->sign);
	if (freezer->other >= 0)
		close(freezer->other);
	free(freezer->folder);
	*freezer = FREEZER_NONE;
}

static int refuse(struct error *err, const char *why)
{
	error_set(err, ERROR_REFUSED, "its processes cannot be frozen: %s", why);
	return error_hint(err, "--stop saves it with a stop");
}

static const char *controller_of(bool unified)
{
	return unified ? NULL : "freezer";
}

/* The folder of the group that all are in, in one hierarchy; NULL with errno 0 where that has none. */
static char *find_folder(bool unified, const uint32_t *pids, size_t count)
{
	cleanup_free char *common = cgroup_common(controller_of(unified), pids, count);

	return common && strcmp(common, "/") != 0 ? cgroup_folder(controller_of(unified), common) : NULL;
}

static bool holds_any(bool unified, const uint32_t *pids, size_t count, const uint32_t *others, size_t other_count)
{
	cleanup_free char *common = cgroup_common(controller_of(unified), pids, count);

	for (size_t i = 0; common && i < other_count; i++) {
		cleanup_free char *path = cgroup_common(controller_of(unified), &others[i], 1);

		if (!path || cgroup_is_in(path, common))
			return true;
	}
	return !common;
}

/* 1 found, 0 not in this hierarchy; `why` is told. */
static int find_in(struct freezer *freezer, bool unified, const uint32_t *pids, size_t count, const uint32_t *others,
		   size_t other_count, const char **why)
{
	cleanup_free char *folder = find_folder(unified, pids, count);
	struct error ignored = { 0 };

	if (!folder || freezer_open(freezer, folder, &ignored) < 0)
		return 0;
	if (holds_any(unified, pids, count, others, other_count)) {
		*why = "wsnap, containerd or the shim is in their control group";
		freezer_release(freezer);
		return 0;
	}
	freezer->frozen_before = freezer_is_paused(freezer, &ignored) > 0;
	return 1;
}

int freezer_find(struct freezer *freezer, const uint32_t *pids, size_t count, const uint32_t *others,
		 size_t other_count, struct error *err)
{
	const char *why = "no control group of their own has a freezer";
	cleanup_freezer struct freezer old = FREEZER_NONE;
	bool has_old = find_in(&old, false, pids, count, others, other_count, &why);

	*freezer = FREEZER_NONE;
	if (!(has_old && old.frozen_before) && find_in(freezer, true, pids, count, others, other_count, &why)) {
		freezer->other = steal_fd(&old.events);
		return 0;
	}
	if (!has_old)
		return refuse(err, why);
	*freezer = old;
	old = FREEZER_NONE;
	return 0;
}
