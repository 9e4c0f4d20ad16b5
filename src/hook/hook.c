#include "hook/hook.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/program.h"
#include "base/text.h"

#define OUTPUT_LIMIT ((size_t)1 << 20)

bool hook_is_wanted(const struct settings *settings)
{
	return !settings->no_hooks && settings->hooks_dir && access(settings->hooks_dir, F_OK) == 0;
}

static void log_lines(const char *path, char *said)
{
	char *line;

	while (said && (line = strsep(&said, "\n")))
		if (*line)
			log_detail("'%s': %s", path, line);
}

/* Its last line that is not empty: why it failed. Cuts the text there. */
static const char *last_line(struct text *said)
{
	char *line;

	while (said->length && strchr("\n\r\t ", said->data[said->length - 1]))
		said->data[--said->length] = '\0';
	line = said->length ? strrchr(said->data, '\n') : NULL;
	return line ? line + 1 : said->length ? said->data : "";
}

static int judge(const char *path, unsigned timeout_s, struct program_outcome *outcome, struct error *err)
{
	struct text *said = outcome->complaints.length ? &outcome->complaints : &outcome->output;
	const char *last = last_line(said), *colon = *last ? ": " : "";

	switch (outcome->end) {
	case PROGRAM_EXITED:
		if (outcome->code == 0)
			return 0;
		return error_set(err, ERROR_REFUSED, "the hook '%s' failed with status %d%s%.300s", path, outcome->code,
				 colon, last);
	case PROGRAM_SIGNALED:
		return error_set(err, ERROR_REFUSED, "the hook '%s' was ended by SIG%s%s%.300s", path,
				 sigabbrev_np(outcome->code), colon, last);
	case PROGRAM_TIMED_OUT:
		return error_set(err, ERROR_REFUSED, "the hook '%s' did not end within %u s%s%.300s", path, timeout_s,
				 colon, last);
	case PROGRAM_TOO_MUCH:
		break;
	}
	return error_set(err, ERROR_REFUSED, "the hook '%s' printed too much", path);
}

static int run_one(const struct settings *settings, const char *path, const struct hook_told *told, struct error *err)
{
	const struct program program = { .file = path,
					 .environment = (char *const *)told->variables,
					 .input = told->json,
					 .output_limit = OUTPUT_LIMIT,
					 .timeout_ms = settings->hook_timeout_s * 1000 };
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	struct error failure = { 0 };

	if (program_run(&program, &outcome, err) < 0) {
		err->kind = ERROR_REFUSED;
		return -1;
	}
	judge(path, settings->hook_timeout_s, &outcome, &failure);
	log_lines(path, outcome.output.data);
	log_lines(path, outcome.complaints.data);
	*err = failure;
	return failure.kind == ERROR_NONE ? 0 : -1;
}

/* They run as we do: whoever may write them could do whatever we can. */
static int check_owner(const struct stat *status, const char *path, struct error *err)
{
	if ((status->st_uid == 0 || status->st_uid == geteuid()) && !(status->st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	error_set(err, ERROR_REFUSED, "the hook '%s' is not run: others may write it", path);
	return error_hint(err, "'chown root %s; chmod go-w %s', or --no-hooks", path, path);
}

static int is_hook(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && !strchr(entry->d_name, '~');
}

/* 1: it is to be run, 0: it is no program, -1. */
static int look_at(int dir, const char *name, const char *path, struct error *err)
{
	struct stat status;

	if (fstatat(dir, name, &status, 0) < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the hook '%s' cannot be looked at", path);
	if (!S_ISREG(status.st_mode) || !(status.st_mode & S_IXUSR))
		return 0;
	return check_owner(&status, path, err) < 0 ? -1 : 1;
}

static int open_folder(const char *path, struct error *err)
{
	cleanup_fd int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (dir < 0 || fstat(dir, &status) < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the folder of hooks '%s' cannot be read", path);
	return check_owner(&status, path, err) < 0 ? -1 : steal_fd(&dir);
}

static int run_named(const struct settings *settings, enum hook_phase phase, int dir, const char *name,
		     const struct hook_told *told, struct error *err)
{
	cleanup_free char *path = text_format("%s/%s", settings->hooks_dir, name);
	int wanted = path ? look_at(dir, name, path, err) : error_memory(err);

	if (wanted > 0)
		wanted = run_one(settings, path, told, err);
	if (wanted >= 0 || phase == HOOK_PRE)
		return wanted < 0 ? -1 : 0;
	log_warning("%s", err->message);
	error_clear(err);
	return 0;
}

int hook_run(const struct settings *settings, enum hook_phase phase, const struct hook_facts *facts, struct error *err)
{
	cleanup_fd int dir = open_folder(settings->hooks_dir, err);
	cleanup_hook_told struct hook_told told = { 0 };
	struct dirent **names = NULL;
	int count, result = 0;

	if (dir < 0 || hook_told(&told, phase, facts, err) < 0)
		return -1;
	count = scandirat(dir, ".", &names, is_hook, alphasort);
	if (count < 0)
		return error_errno(err, ERROR_REFUSED, errno, "the folder of hooks '%s' cannot be read",
				   settings->hooks_dir);
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = run_named(settings, phase, dir, names[i]->d_name, &told, err);
		free(names[i]);
	}
	free(names);
	return result;
}
