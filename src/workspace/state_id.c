#include "workspace/state_id.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/id.h"
#include "base/text.h"

/* Like a lock's file it is never removed. Its name has no '~', which those of workspaces have. */
#define FILE_NAME "id.lock"

static bool read_id(int fd, char id[static ID_SIZE])
{
	char text[ID_SIZE] = "";

	return pread(fd, text, ID_SIZE - 1, 0) == ID_SIZE - 1 && id_parse(text, id);
}

/* The file is locked: of two first runs the second finds what the first has written, also if that was killed. */
static int make_id(int dir, int fd, char id[static ID_SIZE])
{
	if (read_id(fd, id))
		return 0;
	id_random(id);
	return ftruncate(fd, 0) < 0 || pwrite(fd, id, ID_SIZE - 1, 0) != ID_SIZE - 1 || fsync(fd) < 0 || fsync(dir) < 0
		       ? -1
		       : 0;
}

char *state_id(struct session *session, struct error *err)
{
	cleanup_fd int fd = openat(session->state_dir, FILE_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char id[ID_SIZE];
	struct stat st;
	char *whole;

	if (fd < 0 || (!read_id(fd, id) && (flock(fd, LOCK_EX) < 0 || make_id(session->state_dir, fd, id) < 0)) ||
	    fstat(fd, &st) < 0) {
		error_errno(err, ERROR_FAILED, errno, "'%s/%s' cannot be read or made", session->settings->state_dir,
			    FILE_NAME);
		return NULL;
	}
	whole = text_format("%s:%llu", id, (unsigned long long)st.st_ino);
	if (!whole)
		error_memory(err);
	return whole;
}
