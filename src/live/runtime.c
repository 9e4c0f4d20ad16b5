#include "live/runtime.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "live/cgroup.h"
#include "live/processes.h"

/* Before the number in the unified hierarchy's file, whose first line it is; in version 1's there is nothing else. */
#define USAGE "usage_usec "

/* So many times it is looked at whether it still grows, beside others that want the processor. */
#define MOST_LOOKS 30
#define PAUSE_MS 1

static int open_in(const char *controller, const char *name, const struct processes *processes)
{
	cleanup_free char *path = cgroup_common(controller, processes->pids, processes->count);
	cleanup_free char *folder = path && strcmp(path, "/") != 0 ? cgroup_folder(controller, path) : NULL;
	cleanup_free char *file = folder ? text_format("%s/%s", folder, name) : NULL;

	return file ? open(file, O_RDONLY | O_CLOEXEC) : -1;
}

int runtime_open(uint32_t pid)
{
	cleanup_processes struct processes processes = { 0 };
	struct error ignored = { 0 };
	int file;

	if (processes_of(&processes, pid, &ignored) < 0)
		return -1;
	file = open_in(NULL, "cpu.stat", &processes);
	return file >= 0 ? file : open_in("cpuacct", "cpuacct.usage", &processes);
}

static int64_t read_time(int file)
{
	char bytes[64];
	ssize_t got = pread(file, bytes, sizeof(bytes) - 1, 0);
	char *end = bytes;
	int64_t time;

	if (got <= 0)
		return -1;
	bytes[got] = '\0';
	if (text_starts_with(bytes, USAGE))
		end += strlen(USAGE);
	time = strtoll(end, &end, 10);
	return *end == '\n' ? time : -1;
}

int64_t runtime_settled(int file)
{
	int64_t time = read_time(file);

	for (int look = 0; look < MOST_LOOKS; look++) {
		int64_t before = time;

		clock_sleep_ms(PAUSE_MS);
		time = read_time(file);
		if (time == before)
			break;
	}
	return time;
}
