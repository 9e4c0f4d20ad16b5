#include "live/overlay.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/processes.h"

/* The number of the mount that a file was opened in; 0: it cannot be told (before Linux 5.8). */
static unsigned long long mount_of(const struct open_file *file)
{
	struct statx status;

	if (statx(file->link_dir, file->link, 0, STATX_MNT_ID, &status) < 0 || !(status.stx_mask & STATX_MNT_ID))
		return 0;
	return status.stx_mnt_id;
}

/* The device of what is mounted there, as the process that has opened the file sees it; 0: it does not. Each line begins
 * with "MOUNT PARENT MAJOR:MINOR" (proc(5), mountinfo). */
static dev_t device_of(const struct open_file *file)
{
	cleanup_fd int fd = openat(file->link_dir, "../mountinfo", O_RDONLY | O_CLOEXEC);
	cleanup_file FILE *table = fd >= 0 ? fdopen(fd, "re") : NULL;
	unsigned long long wanted = mount_of(file), mount;
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (table)
		fd = -1;
	while (table && wanted && getline(&line, &size, table) > 0) {
		unsigned major, minor;

		if (sscanf(line, "%llu %*u %u:%u", &mount, &major, &minor) == 3 && mount == wanted)
			return makedev(major, minor);
	}
	return 0;
}

static int know(struct overlay *overlay, dev_t device, bool ours, struct error *err)
{
	struct overlay_device *known = reallocarray(overlay->known, overlay->count + 1, sizeof(*known));

	if (!known)
		return error_memory(err);
	overlay->known = known;
	known[overlay->count++] = (struct overlay_device){ .device = device, .ours = ours };
	return ours;
}

int overlay_has(struct overlay *overlay, const struct open_file *file, struct error *err)
{
	dev_t device = file->status.st_dev, mounted;

	if (device == overlay->device)
		return 1;
	if (major(device) != 0) /* a disk's */
		return 0;
	for (size_t i = 0; i < overlay->count; i++)
		if (overlay->known[i].device == device)
			return overlay->known[i].ours;
	mounted = device_of(file);
	return mounted ? know(overlay, device, mounted == overlay->device, err) : 1;
}

void overlay_release(struct overlay *overlay)
{
	free(overlay->known);
	overlay->known = NULL;
	overlay->count = 0;
}
