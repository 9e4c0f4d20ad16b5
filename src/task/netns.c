#include "task/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static bool read_namespace(const char *process, struct stat *st)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", process);
	return stat(path, st) == 0;
}

/* The group in the first hierarchy whose path has a name: "N:controllers:/path" (cgroups(7)). */
static int add_group(const char *process, struct names_set *groups, struct error *err)
{
	char path[64], line[4096];
	cleanup_file FILE *file = NULL;

	snprintf(path, sizeof(path), "/proc/%.20s/cgroup", process);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		char *name = strrchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		if (name && name[1])
			return names_set_add(groups, name + 1, err);
	}
	return 0;
}

int netns_groups(uint32_t pid, struct names_set *groups, struct error *err)
{
	cleanup_dir DIR *processes = opendir("/proc");
	const struct dirent *entry;
	struct stat wanted, ours, its;
	char number[16];

	snprintf(number, sizeof(number), "%u", pid);
	if (!processes || !read_namespace(number, &wanted) || !read_namespace("self", &ours) ||
	    wanted.st_ino == ours.st_ino)
		return 0;
	while ((entry = readdir(processes)))
		if (isdigit((unsigned char)entry->d_name[0]) && read_namespace(entry->d_name, &its) &&
		    its.st_ino == wanted.st_ino && its.st_dev == wanted.st_dev &&
		    add_group(entry->d_name, groups, err) < 0)
			return -1;
	return 0;
}
