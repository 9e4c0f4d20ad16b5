#include "task/streams.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static bool is_kept(const char *path)
{
	struct stat st;

	if (!path || !*path)
		return false;
	if (strstr(path, "://"))
		return true;
	return stat(path, &st) == 0 && !S_ISFIFO(st.st_mode);
}

int streams_keep(const struct ctr_task_streams *old, struct ctr_task_streams *kept, struct error *err)
{
	const char *otherwise = old->terminal ? "/dev/null" : "";

	kept->terminal = old->terminal;
	kept->stdin_path = strdup(is_kept(old->stdin_path) ? old->stdin_path : "");
	kept->stdout_path = strdup(is_kept(old->stdout_path) ? old->stdout_path : otherwise);
	kept->stderr_path = strdup(is_kept(old->stderr_path) ? old->stderr_path : "");
	return kept->stdin_path && kept->stdout_path && kept->stderr_path ? 0 : error_memory(err);
}

static bool is_shim(const char *process)
{
	char path[64], name[32] = "";
	cleanup_file FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
	file = fopen(path, "re");
	return file && fgets(name, sizeof(name), file) && text_starts_with(name, "containerd-shim");
}

/* The flags in its fdinfo, in octal (proc(5)). */
static bool is_read(const char *process, const char *descriptor)
{
	char path[96], line[128];
	cleanup_file FILE *file = NULL;
	unsigned flags;

	snprintf(path, sizeof(path), "/proc/%.20s/fdinfo/%.20s", process, descriptor);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "flags: %o", &flags) == 1)
			return (flags & O_ACCMODE) != O_WRONLY;
	return false;
}

static bool has_open(const char *process, const struct stat *fifo)
{
	cleanup_dir DIR *descriptors = NULL;
	const struct dirent *entry;
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
	descriptors = opendir(path);
	while (descriptors && (entry = readdir(descriptors)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    fstatat(dirfd(descriptors), entry->d_name, &st, 0) == 0 && S_ISFIFO(st.st_mode) &&
		    st.st_ino == fifo->st_ino && st.st_dev == fifo->st_dev && is_read(process, entry->d_name))
			return true;
	return false;
}

static int find_reader(const struct stat *fifo)
{
	cleanup_dir DIR *processes = opendir("/proc");
	const struct dirent *entry;

	while (processes && (entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]) && has_open(entry->d_name, fifo) &&
		    !is_shim(entry->d_name))
			return atoi(entry->d_name);
	return 0;
}

bool streams_find_reader(const struct ctr_task_streams *streams, const char **path, int *pid)
{
	const char *const paths[] = { streams->stdout_path, streams->stderr_path };
	struct stat st;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!paths[i] || !*paths[i] || strstr(paths[i], "://") || stat(paths[i], &st) < 0 ||
		    !S_ISFIFO(st.st_mode))
			continue;
		*path = paths[i];
		*pid = find_reader(&st);
		if (*pid > 0)
			return true;
	}
	return false;
}
