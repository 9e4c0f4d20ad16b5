#include "support/filesystems.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

extern char **environ;

static bool enter_namespace(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		return false;
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool filesystems_available(void)
{
	static bool asked, available;

	if (!asked)
		available = enter_namespace();
	asked = true;
	return available;
}

static void run(char *const arguments[])
{
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawnp(&pid, arguments[0], &actions, NULL, arguments, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void make_filesystem(const char *image, const char *type, bool coarse)
{
	cleanup_free char *program = text_format("mkfs.%s", type);
	cleanup_free char *file = strdup(image);
	char quiet[] = "-q", inode_size[] = "-I", small[] = "128";
	char *const arguments[] = { program, quiet, file, NULL };
	char *const with_small_inodes[] = { program, quiet, inode_size, small, file, NULL };

	run(coarse ? with_small_inodes : arguments);
}

/* The loop device frees itself when its last mount goes. */
static int attach_loop(const char *image, char device[static 32])
{
	cleanup_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	cleanup_fd int file = open(image, O_RDWR | O_CLOEXEC);
	struct loop_config config = { .fd = (unsigned)file, .info.lo_flags = LO_FLAGS_AUTOCLEAR };

	assert_true(control >= 0 && file >= 0);
	for (int attempt = 0; attempt < 20; attempt++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);
		int loop;

		assert_true(number >= 0);
		snprintf(device, 32, "/dev/loop%d", number);
		loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			return loop;
		assert_int_equal(errno, EBUSY); /* somebody else was faster */
		if (loop >= 0)
			close(loop);
	}
	fail_msg("no loop device is free");
	return -1;
}

static void mount_image(struct filesystem *filesystem, const char *type, bool coarse, unsigned megabytes)
{
	char device[32];
	cleanup_fd int loop = -1;
	int file = open(filesystem->image, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, (off_t)megabytes << 20), 0);
	close(file);
	make_filesystem(filesystem->image, type, coarse);
	loop = attach_loop(filesystem->image, device);
	if (mount(device, filesystem->root, type, 0, NULL) < 0)
		fail_msg("cannot mount %s: %s", type, strerror(errno));
}

void filesystem_mount(struct filesystem *filesystem, const char *folder, const char *type, unsigned megabytes)
{
	static unsigned number; /* what a failed test has left behind is in nobody's way */
	bool coarse = strcmp(type, FILESYSTEM_COARSE) == 0;

	number++;
	snprintf(filesystem->image, sizeof(filesystem->image), "%s/%s-%u.image", folder, type, number);
	snprintf(filesystem->root, sizeof(filesystem->root), "%s/%s-%u", folder, type, number);
	assert_int_equal(mkdir(filesystem->root, 0700), 0);
	if (strcmp(type, "tmpfs") != 0)
		mount_image(filesystem, coarse ? "ext4" : type, coarse, megabytes);
	else
		assert_int_equal(mount("test", filesystem->root, "tmpfs", 0, "size=200m"), 0);
}

void filesystem_unmount(struct filesystem *filesystem)
{
	assert_int_equal(umount2(filesystem->root, UMOUNT_NOFOLLOW), 0);
	assert_int_equal(rmdir(filesystem->root), 0);
	if (unlink(filesystem->image) < 0)
		assert_int_equal(errno, ENOENT);
}

static bool userxattr;

void overlay_use_userxattr(bool use)
{
	userxattr = use;
}

bool overlay_uses_userxattr(void)
{
	return userxattr;
}

void overlay_mount(const char *mountpoint, const char *const *lower, size_t count, const char *upper, const char *work)
{
	cleanup_text struct text options = { 0 };

	text_add(&options,
		 userxattr ? "userxattr,index=off,lowerdir=" : "redirect_dir=off,metacopy=off,index=off,lowerdir=");
	for (size_t i = 0; i < count; i++)
		text_printf(&options, "%s%s", i ? ":" : "", lower[i]);
	if (upper)
		text_printf(&options, ",upperdir=%s,workdir=%s", upper, work);
	assert_false(options.failed);
	if (mount("overlay", mountpoint, "overlay", upper ? 0 : MS_RDONLY, options.data) < 0)
		fail_msg("cannot mount an overlay with %s: %s", options.data, strerror(errno));
}

/* The kernel closes the files of an io_uring somewhat later than its process ends. */
void overlay_unmount(const char *mountpoint)
{
	int result;

	for (int try = 0; (result = umount2(mountpoint, UMOUNT_NOFOLLOW)) < 0 && errno == EBUSY && try < 500; try++)
		usleep(10000);
	assert_int_equal(result, 0);
}
