#include "task/shim.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "task/process.h"

#define START_TIMEOUT_MS 5000
#define GRACE_MS 300
#define END_TIMEOUT_MS 5000
/* There is one socket for each container, so one shim at most serves; the others are on their way. */
#define MOST_SHIMS 16

/* The words of a process, each with its NUL, and one more NUL behind them. */
struct words {
	char text[4096 + 1];
	size_t length;
};

static bool read_words(const char *pid, struct words *words)
{
	cleanup_free char *path = text_format("/proc/%s/cmdline", pid);
	cleanup_fd int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t got = fd < 0 ? -1 : read(fd, words->text, sizeof(words->text) - 1);

	words->length = got > 0 ? (size_t)got : 0;
	words->text[words->length] = '\0';
	return words->length > 0 && words->length < sizeof(words->text) - 1;
}

static const char *next_word(const struct words *words, const char *word)
{
	const char *next = word + strlen(word) + 1;

	return next < words->text + words->length ? next : NULL;
}

static const char *last_word(const struct words *words)
{
	const char *last = words->text;

	for (const char *word = last; word; word = next_word(words, word))
		last = word;
	return last;
}

static const char *value_of(const struct words *words, const char *option)
{
	for (const char *word = words->text; word; word = next_word(words, word))
		if (strcmp(word, option) == 0)
			return next_word(words, word);
	return NULL;
}

static bool is_value(const struct words *words, const char *option, const char *wanted)
{
	const char *value = value_of(words, option);

	return value && strcmp(value, wanted) == 0;
}

/* A socket may be reached by several paths: /run and /var/run. */
static bool is_same_socket(const char *one, const char *other)
{
	struct stat a, b;

	return strcmp(one, other) == 0 ||
	       (stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static bool is_named_so(const char *path)
{
	const char *program = strrchr(path, '/');

	return text_starts_with(program ? program + 1 : path, "containerd-shim");
}

/* Anybody can give a process these words: containerd's own is root's, or runs as we do, and is that program. */
static bool has_its_owner(const char *pid)
{
	cleanup_free char *path = text_format("/proc/%s", pid), *link = text_format("/proc/%s/exe", pid);
	char program[PATH_MAX];
	struct stat st;
	ssize_t length;

	if (!path || !link || stat(path, &st) < 0 || (st.st_uid != 0 && st.st_uid != geteuid()))
		return false;
	length = readlink(link, program, sizeof(program) - 1);
	program[length > 0 ? length : 0] = '\0';
	return is_named_so(program);
}

/* A shim of our containerd and our namespace. */
static bool is_shim(const char *pid, const struct words *words, const struct settings *settings)
{
	const char *socket = value_of(words, "-address");

	return is_named_so(words->text) && socket && is_value(words, "-namespace", settings->namespace) &&
	       is_same_socket(socket, settings->address) && has_its_owner(pid);
}

/* Any thread of it may be the parent. */
static bool has_children(const char *pid)
{
	cleanup_free char *path = text_format("/proc/%s/task", pid);
	cleanup_dir DIR *threads = path ? opendir(path) : NULL;
	struct dirent *thread;

	while (threads && (thread = readdir(threads))) {
		cleanup_free char *children = text_format("%s/%s/children", path, thread->d_name);
		cleanup_file FILE *file = children && *thread->d_name != '.' ? fopen(children, "re") : NULL;

		if (file && fgetc(file) != EOF)
			return true;
	}
	return false;
}

/* As proc(5) says it of a directory that was removed while a process is in it. */
static bool has_lost_folder(const char *pid)
{
	static const char mark[] = " (deleted)";
	cleanup_free char *folder = process_working_directory((uint32_t)atoi(pid));
	size_t length = folder ? strlen(folder) : 0, marked = strlen(mark);

	return length >= marked && strcmp(folder + length - marked, mark) == 0;
}

enum kind { OTHER, STARTER, FORGOTTEN, IDLE };

/* Behind the options of a shim that serves stands nothing; what starts it ends as soon as it serves. */
static enum kind judge(const char *pid, const struct settings *settings, const char *container_id)
{
	struct words words;

	if (!read_words(pid, &words) || !is_value(&words, "-id", container_id) || !is_shim(pid, &words, settings))
		return OTHER;
	if (strcmp(last_word(&words), "start") == 0)
		return STARTER;
	if (has_children(pid))
		return OTHER;
	return has_lost_folder(pid) ? FORGOTTEN : IDLE;
}

/* A descriptor of the process, opened before it is looked at: so it is the one that was looked at. IDLE ones only if asked. */
static enum kind find(const struct settings *settings, const char *container_id, bool idle_too, int *process)
{
	cleanup_dir DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		bool is_process = isdigit((unsigned char)*entry->d_name);
		cleanup_fd int opened = is_process ? pidfd_open(atoi(entry->d_name), 0) : -1;
		enum kind kind = opened < 0 ? OTHER : judge(entry->d_name, settings, container_id);

		if (kind != OTHER && (kind != IDLE || idle_too)) {
			*process = steal_fd(&opened);
			return kind;
		}
	}
	return OTHER;
}

static bool ends_within(int process, int timeout_ms)
{
	struct pollfd end = { .fd = process, .events = POLLIN };

	return poll(&end, 1, timeout_ms) > 0;
}

static int end(int process, const char *container_id, struct error *err)
{
	log_detail("'%s': ending a shim that has no task", container_id);
	if (pidfd_send_signal(process, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return error_errno(err, ERROR_FAILED, errno, "a shim of '%s' without a task cannot be ended",
				   container_id);
	if (!ends_within(process, END_TIMEOUT_MS))
		return error_set(err, ERROR_FAILED, "a shim of '%s' without a task does not end", container_id);
	return 0;
}

static int end_all(const struct settings *settings, const char *container_id, bool idle_too, struct error *err)
{
	for (int i = 0; i < MOST_SHIMS; i++) {
		cleanup_fd int process = -1;
		enum kind kind = find(settings, container_id, idle_too, &process);

		if (kind == OTHER)
			return 0;
		/* A shim that is just ending has lost its folder as well, so it is looked at again. */
		if (ends_within(process, kind == STARTER ? START_TIMEOUT_MS : GRACE_MS))
			continue;
		if (kind == STARTER)
			return 0;
		if (end(process, container_id, err) < 0)
			return -1;
	}
	return 0;
}

int shim_end_forgotten(const struct settings *settings, const char *container_id, struct error *err)
{
	return end_all(settings, container_id, false, err);
}

int shim_end_idle(const struct settings *settings, const char *container_id, struct error *err)
{
	return end_all(settings, container_id, true, err);
}

/* A name in the set that its shim is told of by. */
static int add(struct shims *shims, enum kind kind, const char *id, struct error *err)
{
	if (kind != FORGOTTEN && kind != IDLE)
		return 0;
	return names_set_add(kind == IDLE ? &shims->idle : &shims->forgotten, id, err);
}

/* Where the shims of the namespace work: each in the folder of its task, which lies beside those of the others. */
static char *folder_of_bundles(const char *pid, const char *namespace)
{
	cleanup_free char *bundle = process_working_directory((uint32_t)atoi(pid));
	cleanup_free char *end = text_format("/io.containerd.runtime.v2.task/%s", namespace);
	char *slash = bundle ? strrchr(bundle, '/') : NULL;
	size_t length, behind = end ? strlen(end) : 0;

	if (!slash || !end)
		return NULL;
	*slash = '\0';
	length = strlen(bundle);
	return length > behind && strcmp(bundle + length - behind, end) == 0 ? steal_pointer(bundle) : NULL;
}

int shim_survey(const struct settings *settings, struct shims *shims, struct error *err)
{
	cleanup_dir DIR *processes = opendir("/proc");
	struct dirent *entry;

	while (processes && (entry = readdir(processes))) {
		const char *pid = entry->d_name, *id;
		struct words words;

		if (!isdigit((unsigned char)*pid) || !read_words(pid, &words) || !is_shim(pid, &words, settings))
			continue;
		if (!shims->bundles)
			shims->bundles = folder_of_bundles(pid, settings->namespace);
		id = value_of(&words, "-id");
		if (id && add(shims, judge(pid, settings, id), id, err) < 0)
			return -1;
	}
	return 0;
}

void shims_release(struct shims *shims)
{
	names_set_release(&shims->forgotten);
	names_set_release(&shims->idle);
	free(shims->bundles);
	*shims = (struct shims){ 0 };
}
