#include "live/cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Whether a line's controllers ("freezer,memory") have this one among them. */
static bool has_controller(const char *controllers, size_t length, const char *name)
{
	while (length > 0) {
		size_t one = strcspn(controllers, ",:");

		if (one == strlen(name) && memcmp(controllers, name, one) == 0)
			return true;
		if (one >= length)
			return false;
		controllers += one + 1;
		length -= one + 1;
	}
	return false;
}

/* The path of a line "7:freezer:/path" of the wanted hierarchy, or NULL. */
static char *path_of_line(const char *controller, char *line)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path || path[1] != '/')
		return NULL;
	path[1 + strcspn(path + 1, "\n")] = '\0';
	if (!controller)
		return text_starts_with(line, "0::") ? strdup(path + 1) : NULL;
	return has_controller(controllers + 1, (size_t)(path - controllers - 1), controller) ? strdup(path + 1) : NULL;
}

static char *cgroup_of(const char *controller, uint32_t pid)
{
	cleanup_free char *name = text_format("/proc/%u/cgroup", pid);
	cleanup_file FILE *file = name ? fopen(name, "re") : NULL;
	cleanup_free char *line = NULL;
	char *path = NULL;
	size_t size = 0;

	while (file && !path && getline(&line, &size, file) > 0)
		path = path_of_line(controller, line);
	return path;
}

bool cgroup_is_in(const char *path, const char *group)
{
	size_t length = strlen(group);

	if (strcmp(group, "/") == 0)
		return true;
	return strncmp(path, group, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

char *cgroup_common(const char *controller, const uint32_t *pids, size_t count)
{
	char *common = NULL;

	for (size_t i = 0; i < count; i++) {
		cleanup_free char *path = cgroup_of(controller, pids[i]);

		if (!path)
			continue;
		if (!common)
			common = steal_pointer(path);
		while (common && path && !cgroup_is_in(path, common)) {
			char *last = strrchr(common, '/');

			last[last == common ? 1 : 0] = '\0';
		}
	}
	return common;
}

/* "36 35 0:41 ROOT POINT rw - cgroup2 cgroup2 rw": the point whose root the group lies in, with the rest of its path. */
static char *folder_in(const char *controller, const char *line, const char *path)
{
	char root[4096], point[4096];
	const char *type = strstr(line, " - ");
	const char *options = type ? strrchr(type, ' ') : NULL;

	if (!type || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
		return NULL;
	if (controller ? !text_starts_with(type, " - cgroup ") || !strstr(options, controller)
		       : !text_starts_with(type, " - cgroup2 "))
		return NULL;
	if (strcmp(root, "/") == 0)
		return text_format("%s%s", point, path);
	return cgroup_is_in(path, root) ? text_format("%s%s", point, path + strlen(root)) : NULL;
}

char *cgroup_folder(const char *controller, const char *path)
{
	cleanup_file FILE *file = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	char *folder = NULL;
	size_t size = 0;

	while (file && !folder && getline(&line, &size, file) > 0)
		folder = folder_in(controller, line, path);
	return folder;
}
