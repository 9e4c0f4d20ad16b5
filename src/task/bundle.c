#include "task/bundle.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "task/process.h"

/* How long the folder of a task without a task is let be. */
#define YOUNG_S 10

static bool is_bundle(const char *path, const struct settings *settings, const char *container_id)
{
	cleanup_free char *end = text_format("/io.containerd.runtime.v2.task/%s/%s", settings->namespace, container_id);
	size_t length = strlen(path), behind = end ? strlen(end) : length;

	return *path == '/' && length > behind && strcmp(path + length - behind, end) == 0;
}

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder that the bundles of the namespace lie in. */
static int open_bundles(const char *bundle)
{
	cleanup_free char *parent = strndup(bundle, (size_t)(strrchr(bundle, '/') - bundle));

	return parent ? open_directory(AT_FDCWD, parent) : -1;
}

/* Files go, directories if they are empty and nothing is mounted on them: no user's file is ever reached. */
static int empty(int folder)
{
	cleanup_fd int own = open_directory(folder, ".");
	cleanup_dir DIR *entries = own < 0 ? NULL : fdopendir(own);
	struct dirent *entry;

	if (!entries)
		return -1;
	own = -1;
	while ((errno = 0, entry = readdir(entries))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(folder, entry->d_name, 0) < 0 && errno != ENOENT &&
		    (errno != EISDIR || unlinkat(folder, entry->d_name, AT_REMOVEDIR) < 0))
			return -1;
	}
	return errno ? -1 : 0;
}

/* The task's root first: if it cannot go, nothing is to go. */
static void remove_folder(int bundles, const char *name, const char *container_id)
{
	cleanup_fd int folder = open_directory(bundles, name);

	if (folder < 0 && errno == ENOENT)
		return;
	if (folder < 0 || (unlinkat(folder, "rootfs", AT_REMOVEDIR) < 0 && errno != ENOENT) || empty(folder) < 0 ||
	    unlinkat(bundles, name, AT_REMOVEDIR) < 0)
		log_detail("'%s': what containerd left of a task, '%s', cannot be removed: %s", container_id, name,
			   strerror(errno));
	else
		log_detail("'%s': what containerd left of a task, '%s', is removed", container_id, name);
}

static void remove_renamed(int bundles, const char *container_id)
{
	cleanup_free char *name = text_format(".%s", container_id);

	if (name)
		remove_folder(bundles, name, container_id);
}

void bundle_clear_remains(const struct settings *settings, const char *container_id, uint32_t pid)
{
	cleanup_free char *bundle = process_working_directory(process_parent(pid));
	cleanup_fd int bundles = bundle && is_bundle(bundle, settings, container_id) ? open_bundles(bundle) : -1;

	if (bundles >= 0)
		remove_renamed(bundles, container_id);
}

/* "mkdir PATH: file exists" */
static char *path_in(const char *message)
{
	static const char before[] = "mkdir /";
	const char *path = strstr(message, before), *end = path ? strstr(path, ": file exists") : NULL;

	path = path ? path + strlen(before) - 1 : NULL;
	return end ? strndup(path, (size_t)(end - path)) : NULL;
}

static bool is_worked_in(const char *bundle)
{
	cleanup_dir DIR *processes = opendir("/proc");
	struct stat wanted, found;
	struct dirent *entry;

	if (!processes || stat(bundle, &wanted) < 0)
		return true;
	while ((entry = readdir(processes))) {
		cleanup_free char *cwd = text_format("/proc/%s/cwd", entry->d_name);

		if (isdigit((unsigned char)*entry->d_name) && cwd && stat(cwd, &found) == 0 &&
		    found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino)
			return true;
	}
	return false;
}

void bundle_remove_left(const struct settings *settings, const char *container_id, const char *message)
{
	cleanup_free char *bundle = path_in(message);
	cleanup_fd int bundles = bundle && is_bundle(bundle, settings, container_id) ? open_bundles(bundle) : -1;

	if (bundles < 0 || is_worked_in(bundle))
		return;
	remove_renamed(bundles, container_id);
	remove_folder(bundles, container_id, container_id);
}

/* Where the task's folder would be: beside the others, else where containerd's state lies by default, with its socket. */
static char *bundle_of(const struct settings *settings, const char *bundles, const char *container_id)
{
	const char *end = strrchr(settings->address, '/');

	if (bundles)
		return text_format("%s/%s", bundles, container_id);
	return text_format("%.*s/io.containerd.runtime.v2.task/%s/%s", (int)(end ? end - settings->address : 0),
			   settings->address, settings->namespace, container_id);
}

bool bundle_exists(const struct settings *settings, const char *bundles, const char *container_id)
{
	cleanup_free char *bundle = bundle_of(settings, bundles, container_id);

	return bundle && access(bundle, F_OK) == 0;
}

/* A new folder may belong to a Tasks.Create that is under way. */
static bool is_old(const char *bundle, const struct settings *settings, const char *container_id)
{
	struct stat st;

	return is_bundle(bundle, settings, container_id) && lstat(bundle, &st) == 0 && S_ISDIR(st.st_mode) &&
	       time(NULL) - st.st_mtime > YOUNG_S;
}

bool bundle_is_old(const struct settings *settings, const char *bundles, const char *container_id)
{
	cleanup_free char *bundle = bundle_of(settings, bundles, container_id);

	return bundle && is_old(bundle, settings, container_id);
}

bool bundle_is_left(const struct settings *settings, const char *bundles, const char *container_id)
{
	cleanup_free char *bundle = bundle_of(settings, bundles, container_id);

	return bundle && is_old(bundle, settings, container_id) && !is_worked_in(bundle);
}

int bundle_remove(const struct settings *settings, const char *bundles, const char *container_id, struct error *err)
{
	cleanup_free char *bundle = bundle_of(settings, bundles, container_id);
	cleanup_fd int folder = bundle ? open_bundles(bundle) : -1;

	if (folder < 0 || is_worked_in(bundle))
		return 0;
	remove_renamed(folder, container_id);
	remove_folder(folder, container_id, container_id);
	if (access(bundle, F_OK) < 0)
		return 0;
	return error_set(err, ERROR_FAILED, "'%s' cannot be removed", bundle);
}
