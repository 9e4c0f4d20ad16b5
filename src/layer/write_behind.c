#include "layer/write_behind.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#define LITTLE ((off_t)64 << 10)

#define AND_WAIT (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Each waits for its own end, and for the journal: fewer of them are less to wait for. */
#define OVERLAY_WINDOW (8 * WRITE_BEHIND_WINDOW)

struct write_behind write_behind_begin(int file)
{
	struct write_behind behind = { .file = file };
	struct statfs status;

	behind.overlay = fstatfs(file, &status) == 0 && status.f_type == OVERLAYFS_SUPER_MAGIC;
	return behind;
}

static int reach_through_overlay(struct write_behind *behind, off_t end)
{
	if (end - behind->begun < OVERLAY_WINDOW)
		return 0;
	behind->begun = end;
	return fdatasync(behind->file);
}

/* Waits for the window before, which had the time of a whole window. */
int write_behind_reach(struct write_behind *behind, off_t end)
{
	off_t before = behind->before, begun = behind->begun;

	if (behind->file >= 0 && behind->overlay)
		return reach_through_overlay(behind, end);
	if (behind->file < 0 || end - begun < WRITE_BEHIND_WINDOW)
		return 0;
	behind->before = begun;
	behind->begun = end;
	if (sync_file_range(behind->file, begun, end - begun, SYNC_FILE_RANGE_WRITE) < 0)
		return -1;
	return begun > before ? sync_file_range(behind->file, before, begun - before, AND_WAIT) : 0;
}

void write_behind_end(struct write_behind *behind, off_t end)
{
	if (behind->file >= 0 && !behind->overlay && end - behind->begun >= LITTLE)
		(void)sync_file_range(behind->file, behind->begun, end - behind->begun, SYNC_FILE_RANGE_WRITE);
}
