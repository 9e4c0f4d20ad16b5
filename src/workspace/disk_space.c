#include "workspace/disk_space.h"

#include "base/log.h"
#include "layer/layer.h"

#define NEEDED_BYTES ((uint64_t)16 << 20)
#define NEEDED_INODES 64

int disk_space_check(const char *path, struct error *err)
{
	struct layer_space space;

	if (!path)
		return 0;
	if (layer_space(path, &space, err) < 0)
		return -1;
	if (space.free_bytes >= NEEDED_BYTES && (space.total_inodes == 0 || space.free_inodes >= NEEDED_INODES))
		return 0;
	error_set(err, ERROR_FAILED,
		  "the filesystem of '%s' is full: %llu KiB and %llu inodes are free, a version needs %llu KiB and %d",
		  path, (unsigned long long)space.free_bytes / 1024, (unsigned long long)space.free_inodes,
		  (unsigned long long)NEEDED_BYTES / 1024, NEEDED_INODES);
	return error_hint(err, "free some space: 'wsnap prune' gives up old versions");
}

int disk_space_check_for(const char *path, uint64_t bytes, uint64_t inodes, const char *what, struct error *err)
{
	struct layer_space space;

	bytes += NEEDED_BYTES;
	inodes += NEEDED_INODES;
	if (layer_space(path, &space, err) < 0)
		return -1;
	if (space.free_bytes >= bytes && (space.total_inodes == 0 || space.free_inodes >= inodes))
		return 0;
	error_set(err, ERROR_FAILED,
		  "the filesystem of '%s' has no room for %s: %llu MiB and %llu inodes are free, %llu MiB and %llu are "
		  "needed",
		  path, what, (unsigned long long)space.free_bytes >> 20, (unsigned long long)space.free_inodes,
		  (unsigned long long)bytes >> 20, (unsigned long long)inodes);
	return error_hint(err, "free some space: 'wsnap prune' gives up old versions");
}

static int percent(uint64_t free, uint64_t total)
{
	return total ? (int)((double)free * 100 / (double)total) : 100;
}

void disk_space_warn(const struct settings *settings, const char *path)
{
	struct layer_space space;
	struct error err = { 0 };

	if (!path || settings->warn_free_percent == 0 || layer_space(path, &space, &err) < 0)
		return;
	if (percent(space.free_bytes, space.total_bytes) < settings->warn_free_percent)
		log_warning("only %llu MiB (%d %%) are free on the filesystem of '%s'",
			    (unsigned long long)space.free_bytes >> 20, percent(space.free_bytes, space.total_bytes),
			    path);
	if (percent(space.free_inodes, space.total_inodes) < settings->warn_free_percent)
		log_warning("only %llu inodes (%d %%) are free on the filesystem of '%s'",
			    (unsigned long long)space.free_inodes, percent(space.free_inodes, space.total_inodes),
			    path);
}
