#include "layer/write_behind.h"

#include <fcntl.h>

#define LITTLE ((off_t)64 << 10)

#define AND_WAIT (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

/* Waits for the window before, which had the time of a whole window. */
int write_behind_reach(struct write_behind *behind, off_t end)
{
	off_t before = behind->before, begun = behind->begun;

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
	if (behind->file >= 0 && end - behind->begun >= LITTLE)
		(void)sync_file_range(behind->file, behind->begun, end - behind->begun, SYNC_FILE_RANGE_WRITE);
}
