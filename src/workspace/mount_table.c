#include "workspace/mount_table.h"

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

/* Takes the place and the source out of a line. */
static bool read_line(char *line, char **point, char **source)
{
	char *rest = strstr(line, " - "), *save = NULL;

	if (!rest)
		return false;
	strtok_r(rest + strlen(" - "), " \n", &save);
	*source = strtok_r(NULL, " \n", &save);
	*rest = '\0';
	*point = strtok_r(line, " ", &save);
	for (int i = 1; *point && i < 5; i++)
		*point = strtok_r(NULL, " ", &save);
	if (!*point || !*source)
		return false;
	unescape(*point);
	unescape(*source);
	return true;
}

static bool find(const char *folder, const char *source)
{
	cleanup_file FILE *table = fopen(TABLE, "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!table)
		return true;
	while (getline(&line, &size, table) > 0) {
		char *point, *from;

		if (read_line(line, &point, &from) && strcmp(point, folder) == 0 &&
		    (!source || strcmp(from, source) == 0))
			return true;
	}
	return false;
}

bool mount_table_has_sources(const char *prefix)
{
	cleanup_file FILE *table = fopen(TABLE, "re");
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!table)
		return true;
	while (getline(&line, &size, table) > 0) {
		char *point, *from;

		if (read_line(line, &point, &from) && text_starts_with(from, prefix))
			return true;
	}
	return false;
}

bool mount_table_has(const char *folder, const char *source)
{
	return find(folder, source);
}

bool mount_table_is_point(const char *folder)
{
	return find(folder, NULL);
}
