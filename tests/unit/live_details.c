/*
 * Live versions of what is easily missed: ACLs that a folder hands down, stores through a mapping where no time tells of
 * them, and writes past the page cache, of processes and of the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "support/files.h"
#include "support/live_stand.h"
#include "support/scratch.h"

#define VERSIONS 6

/* --- ACLs --------------------------------------------------------------------------------------------------------- */

/* user::rwx, user:1000:rwx, group::r-x, mask::rwx, other::r-x (acl(5), linux/posix_acl_xattr.h) */
static const unsigned char acl[] = {
	2, 0, 0,   0,   1,   0,   7,  0, 255, 255, 255, 255, 2,   0,   7,  0, 232, 3, 0,   0,   4,   0,
	5, 0, 255, 255, 255, 255, 16, 0, 7,   0,   255, 255, 255, 255, 32, 0, 5,   0, 255, 255, 255, 255,
};

static void put(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (file >= 0) {
		(void)!write(file, "text", 4);
		close(file);
	}
}

static void make_all_in(const char *folder)
{
	static const mode_t kinds[] = { S_IFIFO, S_IFSOCK };
	char path[96];

	mkdir(folder, 0755);
	snprintf(path, sizeof(path), "%s/file", folder);
	put(path);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/special%u", folder, i);
		(void)!mknod(path, kinds[i] | 0644, 0);
	}
	snprintf(path, sizeof(path), "%s/link", folder);
	(void)!symlink("file", path);
	snprintf(path, sizeof(path), "%s/folder", folder);
	mkdir(path, 0755);
}

/* What comes into such a folder by a rename has no ACL, while all that is made in it has one. */
static void be_moving_in(struct stand *stand)
{
	stand_enter(stand);
	mkdir("/listed", 0755);
	mkdir("/plain", 0755);
	if (setxattr("/listed", "system.posix_acl_default", acl, sizeof(acl), 0) < 0)
		_exit(1);
	for (unsigned round = 0;; round++) {
		char from[64], to[64];

		snprintf(from, sizeof(from), "/plain/%u", round);
		snprintf(to, sizeof(to), "/listed/%u", round);
		make_all_in(from);
		rename(from, to);
		snprintf(to, sizeof(to), "/listed/file%u", round % 50);
		put("/plain/file");
		rename("/plain/file", to);
		snprintf(to, sizeof(to), "/listed/made%u", round % 50);
		put(to);
		clock_sleep_ms(3);
	}
}

static void test_acls_of_folders(void **state)
{
	(void)state;
	stand_take_versions("ext4", be_moving_in, VERSIONS);
	stand_take_versions("xfs", be_moving_in, VERSIONS);
}

/* --- stores that no time tells of ---------------------------------------------------------------------------------- */

static void be_storing(struct stand *stand)
{
	unsigned *words;

	stand_enter(stand);
	words = stand_map_file();
	for (unsigned i = 0;; i++) {
		words[i % 16384] = i;
		if (i % 1000 == 0)
			clock_sleep_ms(1);
	}
}

static void test_stores_on_tmpfs(void **state)
{
	(void)state;
	stand_take_versions("tmpfs", be_storing, VERSIONS);
}

/* A page is mapped by reading it, and then stored to. */
static void store_once(void)
{
	cleanup_fd int file = open("/mapped", O_RDWR | O_CLOEXEC);
	unsigned *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	volatile unsigned *word = words + 3;

	if (words == MAP_FAILED)
		_exit(1);
	*word = *word + 1;
	munmap(words, 4096);
}

static void be_storing_when_told(struct stand *stand)
{
	sigset_t told;
	int signal;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigprocmask(SIG_BLOCK, &told, NULL);
	stand_enter(stand);
	munmap(stand_map_file(), 1 << 16);
	store_once();
	while (sigwait(&told, &signal) == 0)
		store_once();
	_exit(1);
}

/* Between two versions, of which the first one has not seen it mapped. */
static void test_a_store_between_two_versions(void **state)
{
	static const char *const types[] = { "tmpfs", "ext4" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct stand stand;

		stand_make(&stand, types[i], 1, NULL, be_storing_when_told);
		for (unsigned version = 0; version < VERSIONS; version++) {
			stand_take(&stand);
			clock_sleep_ms(100);
			kill(stand.pid, SIGUSR1);
			clock_sleep_ms(100);
			assert_int_equal(live_is_as_tip(stand.upper, stand.marks, stand.index, stand.tip), 0);
		}
		stand_end(&stand);
	}
}

/* --- a slow disk ---------------------------------------------------------------------------------------------------- */

#define SLOWED (4 << 20) /* bytes, at SLOW of them each second */
#define SLOW 2000000

static const char slow_group[] = "/sys/fs/cgroup/blkio/wsnap-unit-slow";

/* From now on this process writes past the page cache to that filesystem as if the disk were slow (blkio-controller). */
static void slow_down(const char *path)
{
	cleanup_free char *limit = text_format("%s/blkio.throttle.write_bps_device", slow_group);
	cleanup_free char *processes = text_format("%s/cgroup.procs", slow_group);
	cleanup_free char *text = NULL;
	struct stat status;

	if (stat(path, &status) < 0)
		_exit(1);
	text = text_format("%u:%u %d", major(status.st_dev), minor(status.st_dev), SLOW);
	files_write(limit, text);
	files_write(processes, "0");
}

static void fill_slowed(void *bytes, char with)
{
	cleanup_fd int file = open("/slowed", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);

	memset(bytes, with, SLOWED);
	if (pwrite(file, bytes, SLOWED, 0) != SLOWED || fsync(file) < 0)
		_exit(1);
}

/* Begins to write the file anew, and closes it. */
static void submit_slowed(void *bytes, char with)
{
	static aio_context_t context;
	static struct iocb request, *requests[] = { &request };
	cleanup_fd int file = open("/slowed", O_RDWR | O_DIRECT | O_CLOEXEC);

	memset(bytes, with, SLOWED);
	request = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE,
				 .aio_fildes = (uint32_t)file,
				 .aio_buf = (uintptr_t)bytes,
				 .aio_nbytes = SLOWED };
	if (syscall(SYS_io_setup, 4, &context) < 0 || syscall(SYS_io_submit, context, 1, requests) != 1)
		_exit(1);
}

static void be_slow(struct stand *stand)
{
	void *bytes = mmap(NULL, SLOWED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (bytes == MAP_FAILED)
		_exit(1);
	slow_down(stand->upper);
	stand_enter(stand);
	fill_slowed(bytes, 'a');
	submit_slowed(bytes, 'b');
	put("/submitted");
	for (;;)
		pause();
}

static void wait_for(const struct stand *stand, const char *name)
{
	cleanup_free char *path = text_format("%s/%s", stand->upper, name);

	while (access(path, F_OK) < 0)
		clock_sleep_ms(10);
}

/* The next version has what has landed since, though no time tells of that. */
static void test_a_write_that_lands_behind_the_freeze(void **state)
{
	struct stand stand;

	(void)state;
	if (mkdir(slow_group, 0755) < 0 && errno != EEXIST)
		skip();
	stand_make(&stand, "ext4", 1, NULL, be_slow);
	wait_for(&stand, "submitted");
	clock_sleep_ms(200);
	stand_take_blindly(&stand);
	clock_sleep_ms(2 * SLOWED / (SLOW / 1000));
	stand_take(&stand);
	assert_true(stand_take(&stand).copied_bytes == 0);
	stand_end(&stand);
	rmdir(slow_group);
}

/* --- open past the page cache, and at rest ------------------------------------------------------------------------ */

#define RESTING (8 << 20)
#define LANDING_MS 300

static void be_open_past_the_cache(struct stand *stand)
{
	int file;

	stand_enter(stand);
	file = open("/resting", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	for (unsigned i = 0; i < RESTING / sizeof(acl); i++)
		(void)!pwrite(file, acl, sizeof(acl), (off_t)(i * sizeof(acl)));
	if (fsync(file) < 0 || open("/resting", O_RDWR | O_DIRECT | O_CLOEXEC) < 0)
		_exit(1);
	put("/opened");
	for (;;)
		pause();
}

/* How many bytes this process has read (proc(5), io). */
static unsigned long long read_until_now(void)
{
	cleanup_file FILE *file = fopen("/proc/self/io", "re");
	unsigned long long bytes = 0;

	assert_int_equal(fscanf(file, "rchar: %llu", &bytes), 1);
	return bytes;
}

/* No write that was begun so long ago is still under way: the file is what its times say, and nobody reads it. */
static void test_open_past_the_cache_and_at_rest(void **state)
{
	struct stand stand;

	(void)state;
	stand_make(&stand, "ext4", 1, NULL, be_open_past_the_cache);
	stand.landing_ms = LANDING_MS;
	wait_for(&stand, "opened");
	stand_take(&stand);
	clock_sleep_ms(2 * LANDING_MS);
	stand_take_blindly(&stand);
	for (unsigned i = 0; i < 3; i++) {
		unsigned long long before = read_until_now();

		stand_take_blindly(&stand);
		assert_true(read_until_now() - before < RESTING);
	}
	assert_int_equal(live_is_as_tip(stand.upper, stand.marks, stand.index, stand.tip), 1);
	stand_end(&stand);
}

/* --- a loop device ----------------------------------------------------------------------------------------------------- */

#define DISK (1 << 20)
#define DISK_BLOCK (1 << 16)

/* A device on "/disk", which writes past the page cache; it goes with the process. Opened so that a write has landed when
 * it returns. */
static int open_device(const struct stand *stand)
{
	cleanup_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	cleanup_free char *path = text_format("/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
	int device = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO };
	cleanup_fd int file = -1;

	stand_enter(stand);
	file = open("/disk", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	config.fd = (uint32_t)file;
	if (device < 0 || ftruncate(file, DISK) < 0 || ioctl(device, LOOP_CONFIGURE, &config) < 0)
		_exit(1);
	return device;
}

static void be_on_a_loop_device(struct stand *stand)
{
	int device = open_device(stand);
	unsigned char *block = mmap(NULL, DISK_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned round = 0; block != MAP_FAILED; round++) {
		memset(block, (int)round, DISK_BLOCK);
		if (pwrite(device, block, DISK_BLOCK, round % (DISK / DISK_BLOCK) * DISK_BLOCK) != DISK_BLOCK)
			break;
		clock_sleep_ms(1);
	}
	_exit(1);
}

static void test_a_loop_device(void **state)
{
	(void)state;
	if (access("/dev/loop-control", R_OK | W_OK) < 0)
		skip();
	stand_take_versions("ext4", be_on_a_loop_device, VERSIONS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acls_of_folders),
		cmocka_unit_test(test_stores_on_tmpfs),
		cmocka_unit_test(test_a_store_between_two_versions),
		cmocka_unit_test(test_a_write_that_lands_behind_the_freeze),
		cmocka_unit_test(test_open_past_the_cache_and_at_rest),
		cmocka_unit_test(test_a_loop_device),
	};

	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
