#include "compare/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static int cannot(const char *type, struct error *err)
{
	return error_errno(err, ERROR_FAILED, errno, "the snapshot cannot be mounted as '%s'", type);
}

static int open_bound(const struct ctr_mount *mount, struct error *err)
{
	int fd = open(mount->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : cannot("bind", err);
}

static int finish(int context, const char *type, struct error *err)
{
	int fd;

	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return cannot(type, err);
	fd = fsmount(context, FSMOUNT_CLOEXEC, ATTRIBUTES);
	return fd >= 0 ? fd : cannot(type, err);
}

/* An option "key=value" or a word. */
static int set_option(int context, const char *option)
{
	const char *value = strchr(option, '=');
	char key[64];

	if (!value)
		return fsconfig(context, FSCONFIG_SET_FLAG, option, NULL, 0);
	if ((size_t)(value - option) >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, (size_t)(value - option));
	key[value - option] = '\0';
	return fsconfig(context, FSCONFIG_SET_STRING, key, value + 1, 0);
}

/* The filesystem may be mounted for writing elsewhere: it is this mount alone that is read-only. */
static bool is_of_the_mount(const char *option)
{
	static const char *const words[] = { "ro", "rw", "rbind", "bind" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(option, words[i]) == 0)
			return true;
	return false;
}

int tree_mount(const struct ctr_mounts *mounts, struct error *err)
{
	const struct ctr_mount *mount = mounts->count == 1 ? &mounts->items[0] : NULL;
	cleanup_fd int context = -1;

	if (!mount)
		return error_set(err, ERROR_FAILED, "the snapshot has %zu mounts in place of one", mounts->count);
	if (strcmp(mount->type, "bind") == 0)
		return open_bound(mount, err);
	context = fsopen(mount->type, FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0) < 0)
		return cannot(mount->type, err);
	for (size_t i = 0; i < mount->option_count; i++)
		if (!is_of_the_mount(mount->options[i]) && set_option(context, mount->options[i]) < 0)
			return cannot(mount->type, err);
	return finish(context, mount->type, err);
}

int tree_mount_layers(const struct layer_paths *layers, enum layer_marks marks, struct error *err)
{
	/* The writable layer of a running workspace may be among them. */
	static const char *const reading[] = { "index=off", "redirect_dir=follow", "metacopy=on" };
	cleanup_fd int context = -1;

	if (layers->count == 1) {
		int fd = open(layers->items[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		return fd >= 0 ? fd : cannot("bind", err);
	}
	context = fsopen("overlay", FSOPEN_CLOEXEC);
	if (context < 0 || (marks == LAYER_MARKS_USER && set_option(context, "userxattr") < 0))
		return cannot("overlay", err);
	/* What kernels without one of them do not know, their layers do not have. */
	for (size_t i = 0; i < sizeof(reading) / sizeof(*reading) && marks == LAYER_MARKS_TRUSTED; i++)
		set_option(context, reading[i]);
	for (size_t i = 0; i < layers->count; i++)
		if (fsconfig(context, FSCONFIG_SET_STRING, "lowerdir+", layers->items[i], 0) < 0)
			return cannot("overlay", err);
	return finish(context, "overlay", err);
}
