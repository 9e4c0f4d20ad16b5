#include "operation/let_go.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctr/containers.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/location.h"

/* The caller frees *id, which is NULL where no container stands on it. */
static int find_container(struct run *run, const char *key, char **id, struct error *err)
{
	struct ctr_container nobody = { .id = (char[]){ "" },
					.snapshotter = run->record->snapshotter,
					.snapshot_key = strdup(key) };
	int found = nobody.snapshot_key ? ctr_container_find_sharing(run->session->ctr, &nobody, id, err)
					: error_memory(err);

	free(nobody.snapshot_key);
	return found;
}

int let_go_is_stood_on(struct run *run, const char *key, struct error *err)
{
	cleanup_free char *id = NULL;

	return find_container(run, key, &id, err) < 0 ? -1 : id != NULL;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int let_go_is_empty(const char *path, struct error *err)
{
	__attribute__((cleanup(close_folder))) DIR *folder = opendir(path);
	const struct dirent *entry;

	if (!folder && errno == ENOENT)
		return 1;
	if (!folder)
		return error_errno(err, ERROR_FAILED, errno, "cannot open '%s'", path);
	errno = 0;
	while ((entry = readdir(folder)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return 0;
	return errno == 0 ? 1 : error_errno(err, ERROR_FAILED, errno, "cannot read '%s'", path);
}

static int refuse_stood_on(const char *id, const char *key, struct error *err)
{
	return error_set(err, ERROR_REFUSED, "the container '%s' stands on the snapshot '%s'", id, key);
}

/* Only an empty folder can be removed, and in one that is removed nobody can write: what is said here stays true. */
static int remove_folder(const char *path, const char *key, struct error *err)
{
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if (errno == ENOTEMPTY || errno == EEXIST)
		return error_set(err, ERROR_REFUSED, "the snapshot '%s' is not empty", key);
	return error_errno(err, ERROR_FAILED, errno, "cannot remove '%s'", path);
}

/* Only of a folder that is the layer itself can be said what lies in it: others begin as a copy of what is below. */
static int take_folder(struct run *run, const char *key, struct error *err)
{
	const struct record *record = run->record;
	cleanup_location struct location location = { 0 };
	cleanup_free char *id = NULL;
	struct layer_identity identity;

	if (location_find(run->session, record->snapshotter, key, &location, err) < 0)
		return -1;
	if (!location.stacks || !location.writable)
		return 0;
	if (record->moved_inode != 0 && layer_identify(location.writable, &identity) == 0 &&
	    identity.inode == (uint64_t)record->moved_inode)
		return error_set(err, ERROR_REFUSED, "the snapshot '%s' holds the writable layer of '%s'", key,
				 record->container_id);
	if (remove_folder(location.writable, key, err) < 0 || find_container(run, key, &id, err) < 0)
		return -1;
	if (!id)
		return 0;
	return layer_make_folder(location.writable, err) < 0 ? -1 : refuse_stood_on(id, key, err);
}

int let_go(struct run *run, const char *key, struct error *err)
{
	const struct record *record = run->record;
	cleanup_free char *id = NULL;
	int found = ctr_snapshot_stat(run->session->ctr, record->snapshotter, key, NULL, err);

	if (found <= 0)
		return found;
	if (find_container(run, key, &id, err) < 0)
		return -1;
	if (id)
		return refuse_stood_on(id, key, err);
	if (take_folder(run, key, err) < 0)
		return -1;
	return ctr_snapshot_remove(run->session->ctr, record->snapshotter, key, err);
}
