/*
 * Filesystems and overlays for tests, in a mount namespace of the test's own: an image file with a
 * filesystem of the wanted type, mounted over a loop device, all gone when the test ends. Needs root.
 * Failures end the test (cmocka).
 */
#ifndef WSNAP_TESTS_FILESYSTEMS_H
#define WSNAP_TESTS_FILESYSTEMS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct filesystem {
	char image[PATH_MAX];
	char root[PATH_MAX]; /* where it is mounted */
};

/* Whether the tests can mount here at all; enters a private mount namespace when it is asked first. */
bool filesystems_available(void);

/* An ext4 whose times have no parts of a second. */
#define FILESYSTEM_COARSE "ext4-coarse"

/* Makes and mounts one: "ext4", FILESYSTEM_COARSE, "xfs", "btrfs" or "tmpfs", of `megabytes` (xfs needs 300, btrfs 128) below
 * `folder`, which exists. */
void filesystem_mount(struct filesystem *filesystem, const char *folder, const char *type, unsigned megabytes);

/* Unmounts, frees the loop device, removes the image. */
void filesystem_unmount(struct filesystem *filesystem);

/* Mounts an overlay at `mountpoint`: `lower` are paths, newest first. Without `upper` it is read-only; `work`
 * lies on the filesystem of `upper`. */
void overlay_mount(const char *mountpoint, const char *const *lower, size_t count, const char *upper, const char *work);
void overlay_unmount(const char *mountpoint);

/* Whether overlays are mounted with `userxattr` from now on: their marks are user.overlay.* then. */
void overlay_use_userxattr(bool use);
bool overlay_uses_userxattr(void);

#endif
