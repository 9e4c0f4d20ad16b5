#include "task/process.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static FILE *open_proc(uint32_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return fopen(path, "re");
}

struct status {
	bool has_caught, has_ns_pid;
	unsigned long long caught; /* bit N-1 for signal N */
	unsigned ns_pid;           /* in its own PID namespace */
	uint32_t parent;
};

static void read_status(FILE *file, struct status *status)
{
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "SigCgt: %llx", &status->caught) == 1)
			status->has_caught = true;
		sscanf(line, "PPid: %u", &status->parent);
		if (text_starts_with(line, "NSpid:")) {
			const char *last = strrchr(line, '\t');

			status->has_ns_pid = last && sscanf(last, "%u", &status->ns_pid) == 1;
		}
	}
}

bool process_obeys(uint32_t pid, int signal)
{
	cleanup_file FILE *file = open_proc(pid, "status");
	struct status status = { 0 };

	if (!file)
		return true;
	read_status(file, &status);
	if (!status.has_caught || !status.has_ns_pid || signal < 1 || signal > 64)
		return true;
	return status.ns_pid != 1 || (status.caught >> (signal - 1) & 1);
}

uint32_t process_parent(uint32_t pid)
{
	cleanup_file FILE *file = pid > 0 ? open_proc(pid, "status") : NULL;
	struct status status = { 0 };

	if (file)
		read_status(file, &status);
	return status.parent;
}

uint32_t process_behind_socket(const char *path)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return 0;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return 0;
	return (uint32_t)peer.pid;
}

char *process_working_directory(uint32_t pid)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/%u/cwd", pid);
	length = pid > 0 ? readlink(link, path, sizeof(path)) : -1;
	return length > 0 && length < (ssize_t)sizeof(path) ? strndup(path, (size_t)length) : NULL;
}

int process_open_netns(uint32_t pid)
{
	struct stat theirs, ours;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 &&
	    (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev))
		return fd;
	close(fd);
	return -1;
}

bool process_shares_mounts(uint32_t pid, uint32_t other)
{
	struct stat one, two;
	char path[64], other_path[64];

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	snprintf(other_path, sizeof(other_path), "/proc/%u/ns/mnt", other);
	return stat(path, &one) < 0 || stat(other_path, &two) < 0 ||
	       (one.st_ino == two.st_ino && one.st_dev == two.st_dev);
}

/* The value of `upperdir=` in comma separated super options, copied. */
static char *find_upper(const char *options)
{
	static const char key[] = "upperdir=";
	const char *at = strstr(options, key);

	while (at && at != options && at[-1] != ',')
		at = strstr(at + 1, key);
	if (!at)
		return NULL;
	at += strlen(key);
	return strndup(at, strcspn(at, ",\n"));
}

/* The super options of the overlay that is its root, copied; NULL when it is none. */
static char *root_options(uint32_t pid)
{
	cleanup_file FILE *file = open_proc(pid, "mountinfo");
	cleanup_free char *line = NULL;
	char *options = NULL;
	size_t size = 0;

	/* "36 35 0:41 / / rw - overlay overlay rw,lowerdir=…": the last "/" wins. */
	while (file && getline(&line, &size, file) > 0) {
		char point[4] = "";
		const char *overlay = strstr(line, " - overlay ");

		if (overlay && sscanf(line, "%*s %*s %*s %*s %3s", point) == 1 && strcmp(point, "/") == 0) {
			free(options);
			options = strdup(strrchr(overlay, ' ') + 1);
		}
	}
	return options;
}

char *process_root_upper(uint32_t pid)
{
	cleanup_free char *options = root_options(pid);

	return options ? find_upper(options) : NULL;
}

bool process_root_is_stuck(uint32_t pid)
{
	cleanup_free char *options = root_options(pid);

	return options && (strcmp(options, "ro\n") == 0 || strncmp(options, "ro,", 3) == 0);
}

static int signal_by_name(const char *name)
{
	for (int number = 1; number < NSIG; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcasecmp(known, name) == 0)
			return number;
	}
	return 0;
}

static int realtime_signal(const char *name)
{
	int offset = 0;

	if (strcasecmp(name, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcasecmp(name, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncasecmp(name, "RTMIN+", 6) == 0 && sscanf(name + 6, "%2d", &offset) == 1)
		return SIGRTMIN + offset <= SIGRTMAX ? SIGRTMIN + offset : 0;
	if (strncasecmp(name, "RTMAX-", 6) == 0 && sscanf(name + 6, "%2d", &offset) == 1)
		return SIGRTMAX - offset >= SIGRTMIN ? SIGRTMAX - offset : 0;
	return 0;
}

int process_signal_number(const char *text)
{
	int number;

	if (text_is_digits(text)) {
		number = strlen(text) <= 2 ? atoi(text) : 0;
		return number <= 64 ? number : 0;
	}
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	number = signal_by_name(text);
	return number ? number : realtime_signal(text);
}
