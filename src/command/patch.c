#include "command/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "output/escape.h"

extern char **environ;

/* Status of diff(1): 0 and 1 are answers. */
#define DIFF_TROUBLE 2

/* A side as diff(1) is to open it: a descriptor that it inherits, or nothing at all. */
static int open_side(const struct compare_item *item, bool before, char path[static 32])
{
	mode_t mode = before ? item->mode_before : item->mode;
	bool there = before ? item->before != NULL : item->now != NULL;
	int fd = there && S_ISREG(mode) ? compare_open(item, before) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	snprintf(path, 32, "/dev/fd/%d", fd);
	return fd;
}

static int label(const struct compare_item *item, bool before, struct text *text, struct error *err)
{
	bool there = before ? item->before != NULL : item->now != NULL;

	text_add(text, !there ? "/dev/null" : before ? "a" : "b");
	if (there)
		escape_path(text, item->path);
	return text->failed ? error_memory(err) : 0;
}

/* With the signals that we have not held back. An error number, 0. */
static int start_diff(int old, int new, char *const *words, const struct signals *signals, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failure = posix_spawn_file_actions_init(&actions);

	if (failure)
		return failure;
	failure = posix_spawnattr_init(&attributes);
	if (failure) {
		posix_spawn_file_actions_destroy(&actions);
		return failure;
	}
	failure = posix_spawn_file_actions_adddup2(&actions, old, old);
	if (failure == 0)
		failure = posix_spawn_file_actions_adddup2(&actions, new, new);
	if (failure == 0)
		failure = posix_spawnattr_setsigmask(&attributes, &signals->before);
	if (failure == 0)
		failure = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (failure == 0)
		failure = posix_spawnp(pid, words[0], &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return failure;
}

static int run_diff(int old, int new, char *const *words, const struct signals *signals, struct error *err)
{
	pid_t pid;
	int status, failure = start_diff(old, new, words, signals, &pid);

	if (failure)
		return error_errno(err, ERROR_FAILED, failure, "diff(1), which tells text differences, cannot be run");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(err, ERROR_FAILED, errno, "diff(1) was lost");
	if (WIFEXITED(status) && WEXITSTATUS(status) < DIFF_TROUBLE)
		return 0;
	/* The pipe is ours as well: once it may, the same signal ends us. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		raise(SIGPIPE);
	return error_set(err, ERROR_FAILED, "diff(1) has failed");
}

int patch_write(struct output *out, const struct compare_item *item, const struct signals *signals, struct error *err)
{
	cleanup_text struct text old_label = { 0 }, new_label = { 0 };
	char paths[2][32];
	cleanup_fd int old = -1;
	cleanup_fd int new = -1;
	bool regular = (item->now && S_ISREG(item->mode)) || (item->before && S_ISREG(item->mode_before));

	if (!regular)
		return 0;
	old = open_side(item, true, paths[0]);
	new = open_side(item, false, paths[1]);
	/* It has vanished meanwhile. */
	if (old < 0 || new < 0)
		return 0;
	if (label(item, true, &old_label, err) < 0 || label(item, false, &new_label, err) < 0)
		return -1;

	char *const words[] = { (char[]){ "diff" },
				(char[]){ "-u" },
				(char[]){ "--label" },
				old_label.data,
				(char[]){ "--label" },
				new_label.data,
				paths[0],
				paths[1],
				NULL };

	fflush(out->stream);
	return run_diff(old, new, words, signals, err);
}
