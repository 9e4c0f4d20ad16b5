#include "workspace/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/id.h"
#include "base/text.h"
#include "workspace/label_keys.h"
#include "workspace/state_id.h"

/* containerd takes 4,096 bytes for key and value; a path is for the reader's eyes alone. */
#define PATH_SHOWN 3072

/* --- this process --------------------------------------------------------------------------------- */

static int set(struct labels *labels, const char *key, const char *value, struct error *err)
{
	return value && *value ? labels_set(labels, key, value, err) : 0;
}

/* A file of one line, where there is one. */
static int set_line_of(struct labels *labels, const char *key, const char *path, struct error *err)
{
	cleanup_text struct text text = { 0 };
	struct error unknown = { 0 };

	if (file_read_linked(AT_FDCWD, path, 256, &text, &unknown) != 0)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	text_clean(text.data);
	return set(labels, key, text.data, err);
}

static int set_number(struct labels *labels, const char *key, unsigned long long number, struct error *err)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", number);
	return set(labels, key, digits, err);
}

/* The field `starttime` of a process. The name before it is in parentheses and may hold anything. 1 it runs, 0 it has
 * ended, -1 it cannot be looked at. */
static int read_start(long pid, unsigned long long *started)
{
	cleanup_text struct text text = { 0 };
	struct error unknown = { 0 };
	const char *behind;
	char path[64], state = 0;

	*started = 0;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (file_read(AT_FDCWD, path, 4096, &text, &unknown) != 0)
		return -1;
	behind = strrchr(text.data, ')');
	if (!behind ||
	    sscanf(behind + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
		   &state, started) != 2)
		return -1;
	return state != 'Z' && state != 'X';
}

static int set_process(struct labels *labels, struct error *err)
{
	unsigned long long started;
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) == 0 && set_number(labels, LABEL_LOCK_PIDS, st.st_ino, err) < 0)
		return -1;
	if (set_number(labels, LABEL_LOCK_PID, (unsigned long long)getpid(), err) < 0)
		return -1;
	return read_start(getpid(), &started) == 1 ? set_number(labels, LABEL_LOCK_STARTED, started, err) : 0;
}

static int set_host(struct labels *labels, struct error *err)
{
	struct utsname host;
	char boot[BOOT_ID_SIZE];

	boot_id(boot);
	if (uname(&host) == 0 && set(labels, LABEL_LOCK_HOST, host.nodename, err) < 0)
		return -1;
	if (*boot && set(labels, LABEL_LOCK_BOOT, boot, err) < 0)
		return -1;
	return set_line_of(labels, LABEL_LOCK_MACHINE, "/etc/machine-id", err);
}

static int set_files(struct session *session, int lock, struct labels *labels, struct error *err)
{
	cleanup_free char *id = state_id(session, err);
	cleanup_free char *path = text_format("%.*s", PATH_SHOWN, session->settings->state_dir);
	char file[48];
	struct stat st;

	if (!id)
		return -1;
	if (!path)
		return error_memory(err);
	text_clean(path);
	if (set(labels, LABEL_LOCK_STATE_ID, id, err) < 0 || set(labels, LABEL_LOCK_STATE, path, err) < 0)
		return -1;
	if (lock < 0 || fstat(lock, &st) < 0)
		return 0;
	snprintf(file, sizeof(file), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return set(labels, LABEL_LOCK_FILE, file, err);
}

int holder_describe_self(struct session *session, int lock, const char *what, struct labels *labels, struct error *err)
{
	char since[CLOCK_TEXT_SIZE], run[ID_SIZE];

	clock_format(clock_unix_ns(), since);
	id_random(run);
	if (set(labels, LABEL_LOCK, run, err) < 0 || set(labels, LABEL_LOCK_WHAT, what, err) < 0 ||
	    set(labels, LABEL_LOCK_SINCE, since, err) < 0)
		return -1;
	if (set_host(labels, err) < 0 || set_process(labels, err) < 0)
		return -1;
	return set_files(session, lock, labels, err);
}

/* --- another run ---------------------------------------------------------------------------------- */

/* Whether both say it, and the same. */
static bool is_same(const struct labels *own, const struct labels *theirs, const char *key)
{
	const char *one = labels_get(own, key), *other = labels_get(theirs, key);

	return one && other && strcmp(one, other) == 0;
}

/* The number of another process may be the same by now, but not when it was started as well. */
static enum holder_state look_at_process(const struct labels *theirs)
{
	const char *pid = labels_get(theirs, LABEL_LOCK_PID), *started = labels_get(theirs, LABEL_LOCK_STARTED);
	unsigned long long now;
	int runs;

	if (!pid || !started || !text_is_digits(pid) || strlen(pid) > 9 || atol(pid) < 1)
		return HOLDER_UNKNOWN;
	if (kill((pid_t)atol(pid), 0) < 0 && errno == ESRCH)
		return HOLDER_DEAD;
	runs = read_start(atol(pid), &now);
	if (runs < 0)
		return HOLDER_UNKNOWN;
	return runs && now == strtoull(started, NULL, 10) ? HOLDER_ALIVE : HOLDER_DEAD;
}

static bool is_same_host(const struct labels *own, const struct labels *theirs)
{
	bool named = labels_get(own, LABEL_LOCK_MACHINE) || labels_get(theirs, LABEL_LOCK_MACHINE);

	return is_same(own, theirs, LABEL_LOCK_HOST) && (!named || is_same(own, theirs, LABEL_LOCK_MACHINE));
}

static enum holder_state look(const struct labels *own, const struct labels *theirs)
{
	/* Another host, or this one before it was started again. */
	if (!is_same(own, theirs, LABEL_LOCK_BOOT)) {
		bool both = labels_get(own, LABEL_LOCK_BOOT) && labels_get(theirs, LABEL_LOCK_BOOT);

		return both && is_same_host(own, theirs) && is_same(own, theirs, LABEL_LOCK_STATE_ID) ? HOLDER_DEAD
												      : HOLDER_UNKNOWN;
	}
	/* We hold the file's lock, and the kernel gives that to nobody else while its owner lives. So the owner has
	 * ended, or it was this process, which could not delete the lease because containerd was away. */
	if (is_same(own, theirs, LABEL_LOCK_FILE))
		return HOLDER_DEAD;
	return is_same(own, theirs, LABEL_LOCK_PIDS) ? look_at_process(theirs) : HOLDER_UNKNOWN;
}

struct holder holder_judge(const struct labels *own, const struct labels *theirs)
{
	return (struct holder){ .ours = is_same(own, theirs, LABEL_LOCK_STATE_ID), .state = look(own, theirs) };
}

char *holder_words(const struct labels *theirs)
{
	static const struct {
		const char *before, *key, *behind;
	} words[] = {
		{ "pid ", LABEL_LOCK_PID, "" },
		{ " on the host '", LABEL_LOCK_HOST, "'" },
		{ ", ", LABEL_LOCK_WHAT, "" },
		{ " since ", LABEL_LOCK_SINCE, "" },
		{ ", state directory '", LABEL_LOCK_STATE, "'" },
	};
	struct text text = { 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const char *value = labels_get(theirs, words[i].key);

		text_printf(&text, "%s%.512s%s", words[i].before, value ? value : "?", words[i].behind);
	}
	return text_steal(&text);
}
