#include "layer/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

void listing_begin(struct listing *listing, int dir)
{
	listing->dir = dir;
	listing->filled = 0;
	listing->offset = 0;
}

enum entry_kind listing_kind(const struct stat *status)
{
	if (S_ISDIR(status->st_mode))
		return ENTRY_DIRECTORY;
	if (S_ISREG(status->st_mode))
		return ENTRY_REGULAR;
	if (S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0))
		return ENTRY_WHITEOUT;
	return ENTRY_OTHER;
}

/* 1, -1; 0: it was removed since it was listed. */
static int resolve_kind(int dir, unsigned char type, struct entry *entry, struct error *err)
{
	struct stat status;

	switch (type) {
	case DT_DIR:
		entry->kind = ENTRY_DIRECTORY;
		return 1;
	case DT_REG:
		entry->kind = ENTRY_REGULAR;
		return 1;
	case DT_LNK:
	case DT_FIFO:
	case DT_SOCK:
	case DT_BLK:
		entry->kind = ENTRY_OTHER;
		return 1;
	default:
		break;
	}
	if (fstatat(dir, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_errno(err, ERROR_FAILED, errno, "cannot examine '%s'", entry->name);
	entry->kind = listing_kind(&status);
	return 1;
}

static int refill(struct listing *listing, struct error *err)
{
	ssize_t got = getdents64(listing->dir, listing->buffer, sizeof(listing->buffer));

	if (got < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot list a directory");
	listing->filled = (size_t)got;
	listing->offset = 0;
	return got > 0;
}

int listing_next(struct listing *listing, struct entry *entry, struct error *err)
{
	for (;;) {
		const struct dirent64 *next;
		int resolved;

		if (listing->offset >= listing->filled) {
			int more = refill(listing, err);

			if (more <= 0)
				return more;
		}
		next = (const void *)(listing->buffer + listing->offset);
		listing->offset += next->d_reclen;
		if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0)
			continue;
		entry->name = next->d_name;
		resolved = resolve_kind(listing->dir, next->d_type, entry, err);
		if (resolved != 0)
			return resolved;
	}
}
