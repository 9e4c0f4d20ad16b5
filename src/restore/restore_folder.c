#include "restore/restore_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "compare/held.h"
#include "layer/layer.h"
#include "replace/replace.h"
#include "workspace/history.h"
#include "workspace/tree.h"

#define FOLDER_MODE 0755

/* The version as a tree, held while it is read. */
struct opened {
	struct held held;
	int tree;
};

static void opened_release(struct opened *opened)
{
	if (opened->tree >= 0)
		close(opened->tree);
	held_release(&opened->held);
}

#define cleanup_opened __attribute__((cleanup(opened_release)))

static int open_version(struct session *session, const char *container_id, const struct store_version *version,
			struct opened *opened, struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };

	opened->held.session = session;
	if (held_view(&opened->held, version->snapshotter, version->runtime_name, &mounts, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? history_is_missing(session, container_id, version, err) : -1;
	opened->tree = tree_mount(&mounts, "wsnap", err);
	return opened->tree < 0 ? -1 : 0;
}

static int has(int tree, const char *path, struct stat *status, struct error *err)
{
	cleanup_beneath struct beneath way = BENEATH(tree);
	const char *name;
	int folder = beneath_parent(&way, path + 1, &name);

	if (folder >= 0 && fstatat(folder, name, status, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return beneath_is_gone(errno) ? 0 : error_errno(err, ERROR_FAILED, errno, "'%.1000s' cannot be examined", path);
}

int restore_version_has(struct session *session, const struct store_version *version, const char *path,
			struct error *err)
{
	cleanup_opened struct opened opened = { .tree = -1 };
	struct stat status;

	if (open_version(session, "", version, &opened, err) < 0)
		return -1;
	return has(opened.tree, path, &status, err);
}

static int check_paths(const struct restore_request *request, const struct restore_result *result, int tree,
		       struct replace *replace, struct error *err)
{
	for (size_t i = 0; i < request->path_count; i++) {
		struct stat status;
		int found = has(tree, request->paths[i], &status, err);

		if (found < 0 || replace_add_scope(replace, request->paths[i] + 1, err) < 0)
			return -1;
		if (!found)
			return error_set(err, ERROR_NOT_FOUND, "version %d of '%s' has no '%.1000s'",
					 result->version.version, result->target.container_id, request->paths[i]);
	}
	return 0;
}

/* The folder, without links; made if it is not there. */
static int open_folder(const char *folder, char **path, struct error *err)
{
	int opened;

	*path = realpath(folder, NULL);
	if (!*path && errno != ENOENT)
		return error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be opened", folder);
	opened = file_open_directory(*path ? *path : folder, FOLDER_MODE, err);
	if (opened >= 0 && !*path)
		*path = realpath(folder, NULL);
	return opened;
}

static int64_t size_of(const struct stat *status)
{
	return S_ISREG(status->st_mode) || S_ISLNK(status->st_mode) ? status->st_size : 0;
}

/* What comes to the place: it was not there before, or was another. What is there just so is no change. */
static int list_item(struct replace *replace, const char *relative, bool has_folder, struct comparison *changes,
		     struct error *err)
{
	struct compare_item *item = &changes->items[changes->count];
	cleanup_free char *path = text_format("/%s", relative);
	struct stat now, before = { 0 };
	int judged = has_folder ? replace_judge(replace, relative, &before, err) : REPLACE_ABSENT;

	if (judged == REPLACE_SAME)
		return 0;
	if (!path || judged < 0 || has(replace->tree, path, &now, err) < 0)
		return path ? -1 : error_memory(err);
	*item = (struct compare_item){ .path = steal_pointer(path),
				       .change = judged == REPLACE_ABSENT ? 'A' : 'M',
				       .mode = now.st_mode,
				       .mode_before = before.st_mode,
				       .size = size_of(&now),
				       .size_before = size_of(&before) };
	changes->count++;
	return 0;
}

/* What differs from the folder as it is, which need not be there yet. */
static int list(const struct restore_request *request, struct replace *replace, int tree, struct comparison *changes,
		struct error *err)
{
	cleanup_fd int folder = open(request->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0 && errno != ENOENT)
		return error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be opened", request->folder);
	changes->items = calloc(replace->count + 1, sizeof(*changes->items));
	if (!changes->items)
		return error_memory(err);
	replace_turn(replace, folder, tree);
	for (size_t i = 0; i < replace->count; i++)
		if (list_item(replace, replace->items[i]->path, folder >= 0, changes, err) < 0)
			return -1;
	replace_turn(replace, -1, tree);
	return 0;
}

static int fill(const struct restore_request *request, struct replace *replace, int tree, char **path,
		struct error *err)
{
	cleanup_fd int folder = open_folder(request->folder, path, err);

	if (folder < 0)
		return -1;
	replace_turn(replace, folder, tree);
	if (replace_link(replace, false, err) < 0 || replace_check(replace, err) < 0 || replace_apply(replace, err) < 0)
		return error_wrap(err, "'%s'", *path);
	return layer_sync(*path, err);
}

int restore_into_folder(struct session *session, const struct restore_request *request, struct restore_result *result,
			struct error *err)
{
	cleanup_opened struct opened opened = { .tree = -1 };
	cleanup_replace struct replace replace = { 0 };

	if (open_version(session, result->target.container_id, &result->version, &opened, err) < 0 ||
	    replace_begin(&replace, -1, opened.tree, "restored", err) < 0 ||
	    check_paths(request, result, opened.tree, &replace, err) < 0 || replace_add_all(&replace, err) < 0)
		return -1;
	replace_sort(&replace);
	if (list(request, &replace, opened.tree, &result->changes, err) < 0)
		return -1;
	return request->dry_run ? 0 : fill(request, &replace, opened.tree, &result->folder, err);
}
