#include "workspace/mount_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

#define TABLE "/proc/self/mountinfo"

/* Spaces and the like stand there as \040. */
static void unescape(char *word)
{
	char *to = word;

	for (const char *from = word; *from; to++) {
		unsigned value;

		if (*from == '\\' && sscanf(from + 1, "%3o", &value) == 1) {
			*to = (char)value;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The fields "36 35 98:0 ROOT POINT" at the start of a line. */
static bool read_place(char *line, struct mount_entry *entry)
{
	char *save = NULL, *id = strtok_r(line, " ", &save), *parent = strtok_r(NULL, " ", &save);
	char *device = strtok_r(NULL, " ", &save), *root = strtok_r(NULL, " ", &save);
	char *point = strtok_r(NULL, " ", &save);

	if (!id || !parent || !point)
		return false;
	unescape(root);
	unescape(point);
	entry->id = strtoull(id, NULL, 10);
	entry->device = device;
	entry->root = root;
	entry->point = point;
	return true;
}

/* "36 35 98:0 ROOT POINT rw … - TYPE SOURCE OPTIONS" */
static bool read_line(char *line, struct mount_entry *entry)
{
	char *rest = strstr(line, " - "), *save = NULL, *source;

	if (!rest)
		return false;
	entry->type = strtok_r(rest + strlen(" - "), " \n", &save);
	source = strtok_r(NULL, " \n", &save);
	*rest = '\0';
	if (!source)
		return false;
	unescape(source);
	entry->source = source;
	return read_place(line, entry);
}

int mount_table_find(mount_table_wanted wanted, const void *context, char **point)
{
	cleanup_file FILE *table = fopen(TABLE, "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!table)
		return -1;
	while (getline(&line, &size, table) > 0) {
		struct mount_entry entry;

		if (!read_line(line, &entry) || !wanted(&entry, context))
			continue;
		if (point)
			*point = strdup(entry.point);
		return !point || *point ? 1 : -1;
	}
	return 0;
}

static bool has_prefix(const struct mount_entry *entry, const void *prefix)
{
	return text_starts_with(entry->source, prefix);
}

bool mount_table_has_sources(const char *prefix)
{
	return mount_table_find(has_prefix, prefix, NULL) != 0;
}

static bool is_on(const struct mount_entry *entry, const void *folder)
{
	return strcmp(entry->point, folder) == 0;
}

bool mount_table_is_point(const char *folder)
{
	return mount_table_find(is_on, folder, NULL) != 0;
}

/* Several may lie on one folder. Which of them is seen there the kernel tells; 0: it does not (before Linux 5.8). */
static uint64_t seen_id(const char *folder)
{
	struct statx status;

	if (statx(AT_FDCWD, folder, AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &status) < 0)
		return 0;
	return status.stx_mask & STATX_MNT_ID ? status.stx_mnt_id : 0;
}

void mount_seen_release(struct mount_seen *seen)
{
	free(seen->source);
	free(seen->identity);
	*seen = (struct mount_seen){ 0 };
}

static int note_seen(const struct mount_entry *entry, struct mount_seen *seen)
{
	mount_seen_release(seen);
	seen->source = strdup(entry->source);
	seen->identity = text_format("%s %s", entry->device, entry->root);
	return seen->source && seen->identity ? 1 : -1;
}

int mount_table_seen(const char *folder, struct mount_seen *seen)
{
	cleanup_file FILE *table = fopen(TABLE, "re");
	cleanup_free char *line = NULL;
	uint64_t id = seen_id(folder);
	size_t size = 0;
	int found = 0;

	if (!table)
		return -1;
	while (found >= 0 && getline(&line, &size, table) > 0) {
		struct mount_entry entry;

		if (read_line(line, &entry) && is_on(&entry, folder) && (!id || entry.id == id))
			found = note_seen(&entry, seen);
	}
	return found;
}

bool mount_entry_is(const struct mount_entry *entry, const char *identity)
{
	size_t length = strlen(entry->device);

	return strncmp(identity, entry->device, length) == 0 && identity[length] == ' ' &&
	       strcmp(identity + length + 1, entry->root) == 0;
}

bool mount_table_has_upper(const char *folder)
{
	cleanup_free char *option = text_format(",upperdir=%s", folder);
	cleanup_file FILE *table = option ? fopen(TABLE, "re") : NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;

	while (table && getline(&line, &size, table) > 0) {
		const char *found = strstr(line, option);

		if (found && strchr(",\n", found[strlen(option)]))
			return true;
	}
	return false;
}

int mount_table_each(uint32_t pid, mount_table_each_point each, void *context, struct error *err)
{
	cleanup_free char *path = text_format("/proc/%u/mountinfo", pid);
	cleanup_file FILE *table = path ? fopen(path, "re") : NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!table)
		return error_errno(err, ERROR_FAILED, errno, "the mounts of process %u cannot be read", pid);
	while (getline(&line, &size, table) > 0) {
		struct mount_entry entry;

		if (read_line(line, &entry) && strcmp(entry.point, "/") != 0 && each(entry.point, context, err) < 0)
			return -1;
	}
	return 0;
}
