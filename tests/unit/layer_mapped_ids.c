/* Ids of a user namespace turned around, and files seen through that: owners, ACLs, file capabilities, on each filesystem. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer/layer.h"
#include "layer/mapped_view.h"
#include "support/filesystems.h"
#include "support/scratch.h"

#define IDS UINT64_C(4294967295)

static struct id_maps maps_of(const char *users, const char *groups)
{
	struct id_maps maps;
	struct error err = { 0 };

	if (id_maps_parse(users, groups, &maps, &err) < 0)
		fail_msg("%s", err.message);
	return maps;
}

/* --- the text ----------------------------------------------------------------------------------------------- */

static void maps_that_are_none(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"0:100000",
		"0:100000:",
		"0:100000:0",
		"0:100000:65536,",
		",0:100000:65536",
		"0:100000:65536:1",
		"-1:100000:1",
		"0: 100000:1",
		"0:100000:65536;1:2:3",
		"0:4294967296:1",
		"0:4294967295:1",
		"4294967295:0:1",
		"0:4294967000:1000",
		"0:100000:10,9:200000:10",
		"0:100000:10,10:100009:10",
		"99999999999999999999999:0:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct error err = { 0 };
		struct id_map map;

		if (id_map_parse(texts[i], &map, &err) == 0)
			fail_msg("'%s' is taken for a map", texts[i]);
		assert_int_equal(err.kind, ERROR_REFUSED);
	}
}

static void more_ranges_than_fit(void **state)
{
	struct text text = { 0 };
	struct error err = { 0 };
	struct id_map map;

	(void)state;
	for (unsigned i = 0; i < ID_MAP_MOST; i++)
		text_printf(&text, "%s%u:%u:1", i ? "," : "", i * 2, 100000 + i * 3);
	assert_int_equal(id_map_parse(text.data, &map, &err), 0);
	text_printf(&text, ",1000:1000000:1");
	assert_int_equal(id_map_parse(text.data, &map, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	text_release(&text);
}

/* One of the two is no map of containerd's. */
static void one_alone(void **state)
{
	struct id_maps maps;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(id_maps_parse("0:100000:1", NULL, &maps, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	error_clear(&err);
	assert_int_equal(id_maps_parse(NULL, "0:100000:1", &maps, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static bool lies_in(uint64_t id, uint64_t first, uint64_t count)
{
	return id >= first && id - first < count;
}

/* What the lines make of an id; fails unless exactly one has it. */
static uint64_t shown_by(const char *lines, uint64_t id)
{
	unsigned long long first, to, count;
	uint64_t shown = UINT64_MAX;
	int used;

	for (const char *at = lines; sscanf(at, "%llu %llu %llu\n%n", &first, &to, &count, &used) == 3; at += used) {
		assert_true(first + count <= IDS && to + count <= IDS);
		if (!lies_in(id, first, count))
			continue;
		assert_true(shown == UINT64_MAX);
		shown = to + (id - first);
	}
	assert_true(shown != UINT64_MAX);
	return shown;
}

static uint64_t sum_of(const char *lines)
{
	unsigned long long first, to, count, sum = 0;
	int used;

	for (const char *at = lines; sscanf(at, "%llu %llu %llu\n%n", &first, &to, &count, &used) == 3; at += used)
		sum += count;
	return sum;
}

/* All ids are there once, those of the host become those inside, and no other becomes one of these. */
static void check_turned(const char *text)
{
	struct id_maps maps = maps_of(text, text);
	const struct id_map *map = &maps.users;
	struct text lines = { 0 }, back = { 0 };

	id_map_lines(map, ID_WAY_IN, &lines);
	id_map_lines(map, ID_WAY_OUT, &back);
	assert_true(!lines.failed && lines.length < 4096 && !back.failed && back.length < 4096);
	assert_true(sum_of(lines.data) == IDS && sum_of(back.data) == IDS);
	for (size_t i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];
		const uint64_t near[] = { range->outside ? range->outside - 1 : 0,
					  (uint64_t)range->outside + range->count,
					  range->inside,
					  (uint64_t)range->inside + range->count,
					  0,
					  IDS - 1 };

		assert_int_equal(shown_by(lines.data, range->outside), range->inside);
		assert_int_equal(shown_by(lines.data, range->outside + range->count - 1),
				 range->inside + range->count - 1);
		for (size_t j = 0; j < sizeof(near) / sizeof(*near); j++)
			if (near[j] < IDS)
				assert_true(shown_by(back.data, shown_by(lines.data, near[j])) == near[j]);
		for (size_t j = 0; j < sizeof(near) / sizeof(*near); j++)
			if (near[j] < IDS && !id_map_has(map, (uint32_t)near[j]))
				for (size_t k = 0; k < map->count; k++)
					assert_false(lies_in(shown_by(lines.data, near[j]), map->ranges[k].inside,
							     map->ranges[k].count));
	}
	text_release(&lines);
	text_release(&back);
}

static void maps_turned_around(void **state)
{
	struct text text = { 0 };

	(void)state;
	check_turned("0:100000:65536");
	check_turned("0:1:1");
	check_turned("0:0:65536");
	check_turned("0:0:4294967295");
	check_turned("0:1000:1,1:100000:65535");
	check_turned("5:100000:10,0:300000:5,1000:1000:7");
	check_turned("100000:0:65536");
	check_turned("0:4294901759:65536");
	for (unsigned i = 0; i < ID_MAP_MOST; i++)
		text_printf(&text, "%s%u:%u:2", i ? "," : "", 4000000000u - i * 5, 4000000000u - i * 7 + 1);
	check_turned(text.data);
	text_release(&text);
}

static void who_is_inside(void **state)
{
	const struct id_maps maps = maps_of("0:1000:1,1:100000:65535", "0:5:2");

	(void)state;
	assert_true(id_map_has(&maps.users, 1000));
	assert_false(id_map_has(&maps.users, 999));
	assert_false(id_map_has(&maps.users, 1001));
	assert_true(id_map_has(&maps.users, 165534));
	assert_false(id_map_has(&maps.users, 165535));
	assert_false(id_map_has(&maps.users, 0));
	assert_true(id_map_has(&maps.groups, 6));
	assert_false(id_map_has(&maps.groups, 7));
}

/* --- files -------------------------------------------------------------------------------------------------- */

static void make_file(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	int fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, name, strlen(name)), strlen(name));
	assert_int_equal(fchown(fd, uid, gid), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void expect_owner(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat status;

	assert_int_equal(fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(status.st_uid, uid);
	assert_int_equal(status.st_gid, gid);
	assert_int_equal(status.st_mode & 07777, mode);
}

/* user::rw-, user:<id>:rw-, group::r--, mask::rw-, other::--- (acl(5), linux/posix_acl_xattr.h) */
static void make_acl(uint8_t acl[44], uint32_t id)
{
	static const uint8_t entries[] = { 1, 6, 2, 6, 4, 4, 16, 6, 32, 0 };

	memset(acl, 0, 44);
	acl[0] = 2;
	for (int i = 0; i < 5; i++) {
		uint32_t of = i == 1 ? id : UINT32_MAX;

		acl[4 + i * 8] = entries[i * 2];
		acl[6 + i * 8] = entries[i * 2 + 1];
		memcpy(acl + 8 + i * 8, &of, 4);
	}
}

static void expect_attribute(const char *folder, const char *name, const char *key, const void *value, size_t size)
{
	char path[PATH_MAX + 32];
	uint8_t found[64];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(getxattr(path, key, found, sizeof(found)), size);
	assert_memory_equal(found, value, size);
}

/* Capabilities of the root of the user namespace; of the image's root (linux/capability.h, struct vfs_cap_data). */
static const uint32_t of_namespace[6] = { 0x03000001, 1, 0, 0, 0, 100000 };
static const uint32_t of_image[5] = { 0x02000001, 1, 0, 0, 0 };

static void fill(const char *folder)
{
	char path[PATH_MAX + 32];
	uint8_t acl[44];
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(dir >= 0);
	make_file(dir, "root", 100000, 200000, 06755);
	make_file(dir, "user", 101000, 201001, 0600);
	make_file(dir, "host", 0, 0, 0600);
	make_file(dir, "listed", 100000, 200000, 0660);
	make_file(dir, "capable", 100000, 200000, 0755);
	assert_int_equal(mknodat(dir, "whiteout", S_IFCHR, 0), 0);
	assert_int_equal(fchown(dir, 100000, 200000), 0);
	snprintf(path, sizeof(path), "%s/listed", folder);
	make_acl(acl, 100005);
	assert_int_equal(setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0), 0);
	snprintf(path, sizeof(path), "%s/capable", folder);
	assert_int_equal(setxattr(path, "security.capability", of_namespace, sizeof(of_namespace), 0), 0);
	close(dir);
}

/* The one that lies outside the map is another's who is nobody inside, and can be read. */
static void expect_mapped(const char *folder, bool is_view)
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), file;
	uint8_t acl[44];
	char byte;

	assert_true(dir >= 0);
	expect_owner(dir, ".", 0, 0, 0700);
	expect_owner(dir, "root", 0, 0, 06755);
	expect_owner(dir, "user", 1000, 1001, 0600);
	expect_owner(dir, "host", 65536, 65536, 0600);
	file = openat(dir, "host", O_RDONLY | O_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(read(file, &byte, 1), 1);
	close(file);
	make_acl(acl, 5);
	expect_attribute(folder, "listed", "system.posix_acl_access", acl, sizeof(acl));
	expect_attribute(folder, "capable", "security.capability", of_image, sizeof(of_image));
	if (is_view) {
		assert_int_equal(openat(dir, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600), -1);
		assert_int_equal(errno, EROFS);
	}
	close(dir);
}

static void check(const char *type)
{
	const struct id_maps maps = maps_of("0:100000:65536", "0:200000:65536");
	struct filesystem filesystem;
	struct layer_merge_result merged;
	struct mapped_view *view;
	struct error err = { 0 };
	char folder[PATH_MAX + 8], copy[PATH_MAX + 16], *path = NULL;
	const char *content;

	filesystem_mount(&filesystem, scratch, type, 300);
	snprintf(folder, sizeof(folder), "%s/layer", filesystem.root);
	snprintf(copy, sizeof(copy), "%s/copy", filesystem.root);
	assert_int_equal(mkdir(folder, 0700) | mkdir(copy, 0755), 0);
	fill(folder);
	view = mapped_view_open(folder, &maps, &err);
	if (!view)
		fail_msg("%s: %s", type, err.message);
	content = mapped_view_path(view);
	expect_mapped(content, true);
	assert_int_equal(layer_merge(LAYER_MARKS_TRUSTED, &content, 1, copy, &merged, &err), 0);
	expect_mapped(copy, false);
	assert_int_equal(layer_changes_nothing(LAYER_MARKS_TRUSTED, content, (const char *[]){ copy }, 1, &err), 1);

	assert_int_equal(layer_find_foreign(folder, &maps, &path, &err), 1);
	assert_string_equal(path, "/host");
	free(path);
	snprintf(copy, sizeof(copy), "%s/host", folder);
	assert_int_equal(unlink(copy), 0);
	assert_int_equal(layer_find_foreign(folder, &maps, &path, &err), 0);
	assert_int_equal(chown(folder, 0, 0), 0);
	assert_int_equal(layer_find_foreign(folder, &maps, &path, &err), 1);
	assert_string_equal(path, "/");
	free(path);
	mapped_view_close(view);
	filesystem_unmount(&filesystem);
}

static void on_ext4(void **state)
{
	(void)state;
	check("ext4");
}

static void on_xfs(void **state)
{
	(void)state;
	check("xfs");
}

static void on_btrfs(void **state)
{
	(void)state;
	check("btrfs");
}

static void no_folder(void **state)
{
	const struct id_maps maps = maps_of("0:100000:65536", "0:100000:65536");
	struct error err = { 0 };

	(void)state;
	assert_null(mapped_view_open("/nowhere/at/all", &maps, &err));
	assert_int_equal(err.kind, ERROR_FAILED);
}

/* proc(5) is one that cannot do it. */
static void no_such_filesystem(void **state)
{
	const struct id_maps maps = maps_of("0:100000:65536", "0:100000:65536");
	struct error err = { 0 };

	(void)state;
	assert_null(mapped_view_open("/proc/sys", &maps, &err));
	assert_int_equal(err.kind, ERROR_REFUSED);
}

static int set_up(void **state)
{
	return scratch_set_up(state) == 0 && filesystems_available() ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_that_are_none),
		cmocka_unit_test(more_ranges_than_fit),
		cmocka_unit_test(one_alone),
		cmocka_unit_test(maps_turned_around),
		cmocka_unit_test(who_is_inside),
		cmocka_unit_test(on_ext4),
		cmocka_unit_test(on_xfs),
		cmocka_unit_test(on_btrfs),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(no_such_filesystem),
	};

	return cmocka_run_group_tests(tests, set_up, scratch_tear_down);
}
