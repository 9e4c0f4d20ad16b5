#include "live/loops.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "live/watch.h"

#define DEVICES "/sys/block"

struct tree {
	int merged;
	int links; /* /proc/self/fd */
	processes_each_file each;
	void *context;
};

/* Nothing mounted in it is entered: it is none of the layer's, and whoever serves it may be what stands still. */
static int open_in(int merged, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, merged, path, &how, sizeof(how));
}

/* A path of another tree may lead to a file here too: that is looked at in vain. */
static int tell(const struct tree *tree, const char *path, struct error *err)
{
	cleanup_fd int file = open_in(tree->merged, path);
	struct open_file found = { .link_dir = tree->links, .direct = true };
	char link[16];

	if (file < 0 || fstat(file, &found.status) < 0 || !S_ISREG(found.status.st_mode))
		return 0;
	snprintf(link, sizeof(link), "%d", file);
	found.link = link;
	return tree->each(&found, tree->context, err);
}

static int look_at_device(const struct tree *tree, int devices, const char *name, struct error *err)
{
	cleanup_free char *attribute = text_format("%s/loop/backing_file", name);
	cleanup_fd int file = attribute ? openat(devices, attribute, O_RDONLY | O_CLOEXEC) : -1;
	char path[PATH_MAX + 1];
	ssize_t length = file >= 0 ? read(file, path, sizeof(path) - 1) : 0;
	const char *inside;

	if (!attribute)
		return error_memory(err);
	if (length <= 1 || path[0] != '/')
		return 0;
	path[length - 1] = '\0'; /* the end of its line */
	inside = watch_inside(path);
	if (tell(tree, path, err) < 0)
		return -1;
	return inside ? tell(tree, inside, err) : 0;
}

int loops_files(int merged, processes_each_file each, void *context, struct error *err)
{
	cleanup_fd int links = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct tree tree = { .merged = merged, .links = links, .each = each, .context = context };
	cleanup_dir DIR *devices = opendir(DEVICES);
	struct dirent *entry;

	while (devices && links >= 0 && (entry = readdir(devices)))
		if (text_starts_with(entry->d_name, "loop") &&
		    look_at_device(&tree, dirfd(devices), entry->d_name, err) < 0)
			return -1;
	return 0;
}
