#include "workspace/origin.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

#define NO_UID ((uid_t)-1)

void origin_release(struct origin *origin)
{
	free(origin->by);
	free(origin->host);
	free(origin->note);
	*origin = (struct origin){ 0 };
}

/* The first line of a small file under /proc, cleaned; "" where there is none. */
static void read_line(const char *path, char *line, size_t size)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, line, size - 1) : -1;

	line[got > 0 ? got : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	text_clean(line);
}

static uid_t parse_uid(const char *text)
{
	return text && text_is_digits(text) && strlen(text) <= 10 ? (uid_t)strtoul(text, NULL, 10) : NO_UID;
}

/* The login user stays the same through su and sudo; where the kernel does not keep it, sudo's variables tell. */
static uid_t find_uid(void)
{
	char line[32];
	uid_t uid = geteuid() == 0 ? parse_uid(getenv("SUDO_UID")) : NO_UID;

	if (uid != NO_UID)
		return uid;
	read_line("/proc/self/loginuid", line, sizeof(line));
	uid = parse_uid(line);
	return uid != NO_UID ? uid : getuid();
}

/* NULL: nobody knows, or no memory. */
static char *find_user(uid_t uid)
{
	const char *sudo = geteuid() == 0 ? getenv("SUDO_USER") : NULL;
	struct passwd entry, *found = NULL;
	char buffer[4096], *name;

	if (sudo && *sudo && strlen(sudo) <= 256)
		name = strdup(sudo);
	else
		name = getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 && found ? strdup(found->pw_name)
											     : NULL;
	if (name)
		text_clean(name);
	return name;
}

static char *find_by(void)
{
	uid_t uid = find_uid();
	cleanup_free char *user = find_user(uid), *path = text_format("/proc/%d/comm", (int)getppid());
	char parent[64] = "";

	if (path)
		read_line(path, parent, sizeof(parent));
	return text_format("%s (uid %u%s%s)", user ? user : "unknown", (unsigned)uid, *parent ? ", " : "", parent);
}

int origin_find(const char *note, struct origin *origin, struct error *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	cleanup_free char *by = find_by();

	if (!by)
		return error_memory(err);
	if (gethostname(host, sizeof(host) - 1) == 0)
		text_clean(host);
	return origin_keep(by, *host ? host : NULL, note, origin, err);
}

int origin_keep(const char *by, const char *host, const char *note, struct origin *origin, struct error *err)
{
	*origin = (struct origin){
		.by = by ? strdup(by) : NULL,
		.host = host ? strdup(host) : NULL,
		.note = note ? strdup(note) : NULL,
	};
	if ((origin->by || !by) && (origin->host || !host) && (origin->note || !note))
		return 0;
	origin_release(origin);
	return error_memory(err);
}
