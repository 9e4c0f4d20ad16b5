#include "workspace/mount_table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* "36 35 98:0 ROOT POINT rw … - TYPE SOURCE OPTIONS" */
static bool read_line(char *line, struct mount_entry *entry)
{
	char *rest = strstr(line, " - "), *save = NULL, *point, *source;

	if (!rest)
		return false;
	entry->type = strtok_r(rest + strlen(" - "), " \n", &save);
	source = strtok_r(NULL, " \n", &save);
	*rest = '\0';
	point = strtok_r(line, " ", &save);
	for (int i = 1; point && i < 5; i++)
		point = strtok_r(NULL, " ", &save);
	if (!point || !source)
		return false;
	unescape(point);
	unescape(source);
	entry->point = point;
	entry->source = source;
	return true;
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

/* A NULL source stands for any. */
static bool is_equal(const struct mount_entry *entry, const void *context)
{
	const struct mount_entry *wanted = context;

	return strcmp(entry->point, wanted->point) == 0 &&
	       (!wanted->source || strcmp(entry->source, wanted->source) == 0);
}

bool mount_table_has(const char *folder, const char *source)
{
	const struct mount_entry wanted = { .point = folder, .source = source };

	return mount_table_find(is_equal, &wanted, NULL) != 0;
}

bool mount_table_is_point(const char *folder)
{
	return mount_table_has(folder, NULL);
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
