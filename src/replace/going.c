#include "replace/going.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Giving back 1 MiB takes about 0.6 ms. */
#define LARGE_BYTES ((off_t)256 << 10)
#define BLOCK_BYTES 512

#define MOST_HELD 128
#define RESERVED 64 /* descriptors that are left for the change itself */

static bool is_large(int folder, const char *name)
{
	struct stat status;

	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
	       status.st_blocks >= LARGE_BYTES / BLOCK_BYTES;
}

static bool leaves_enough(int file)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)file + RESERVED < limit.rlim_cur;
}

void going_hold(struct replace *replace, int folder, const char *name)
{
	cleanup_fd int file = -1;

	if (replace->going_count == MOST_HELD || !is_large(folder, name))
		return;
	if (!replace->going)
		replace->going = calloc(MOST_HELD, sizeof(*replace->going));
	file = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (replace->going && file >= 0 && leaves_enough(file))
		replace->going[replace->going_count++] = steal_fd(&file);
}

void going_release(struct replace *replace)
{
	for (size_t i = 0; i < replace->going_count; i++)
		close(replace->going[i]);
	free(replace->going);
	replace->going = NULL;
	replace->going_count = 0;
}
