#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "replace/items.h"
#include "replace/put.h"
#include "replace/shelf.h"
#include "replace/written.h"

/* Whatever is done in a folder changes its times: they come last, from the bottom up. A folder that nobody asked for keeps
 * the times that it gets by what is done in it. */
static int set_times(struct replace *replace, struct error *err)
{
	cleanup_free char *last = NULL;

	for (size_t i = replace->count; i-- > 0;) {
		const char *path = replace->items[i]->path, *slash = strrchr(path, '/');
		char *above = strndup(path, slash ? (size_t)(slash - path) : 0);

		if (!above)
			return error_memory(err);
		if (written_check_stop(replace, err) < 0 || put_times(replace, path, err) < 0) {
			free(above);
			return -1;
		}
		if (last && strcmp(last, above) == 0) {
			free(above);
			continue;
		}
		free(last);
		last = above;
		if (items_is_in_scope(replace, above) && put_times(replace, above, err) < 0)
			return -1;
	}
	return 0;
}

static int put_items(struct replace *replace, bool links, struct error *err)
{
	for (size_t i = 0; i < replace->count; i++)
		if (links == (replace->items[i]->first != NULL) &&
		    (written_check_stop(replace, err) < 0 || put_item(replace, replace->items[i], err) < 0))
			return -1;
	return 0;
}

int replace_apply(struct replace *replace, struct error *err)
{
	beneath_forget(&replace->here);
	beneath_forget(&replace->upper);
	if (replace_settle_links(replace, err) < 0 || (replace->shelf < 0 && replace_clear_shelf(replace, err) < 0))
		return -1;
	beneath_forget(&replace->here);
	beneath_forget(&replace->upper);
	for (size_t i = 0; i < replace->count; i++)
		if (written_check_stop(replace, err) < 0 || put_clear(replace, replace->items[i], err) < 0)
			return -1;
	beneath_forget(&replace->here);
	beneath_forget(&replace->upper);
	/* What others become one more name of is there by then. */
	if (put_items(replace, false, err) < 0 || put_items(replace, true, err) < 0)
		return -1;
	shelf_release(replace);
	return set_times(replace, err);
}

/* A file in place of a folder that leads to a mount would have to take the mount away. */
static int check_mounts(struct replace *replace, const char *path, struct error *err)
{
	struct stat status;
	const char *name;
	int folder = items_holds_mount(replace, path) ? beneath_parent(&replace->there, path, &name) : -1;

	if (folder < 0 || fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(status.st_mode))
		return 0;
	return error_set(err, ERROR_REFUSED, "'/%s' is no folder in the version, but something is mounted in it", path);
}

/* The folders above what alone is asked for are not touched: they must not be anything else. */
static int check_way(struct replace *replace, const char *path, struct error *err)
{
	const char *name;
	int number, folder = beneath_parent(&replace->here, path, &name);

	if (folder >= 0 || errno == ENOENT || errno == EXDEV)
		return 0;
	number = errno;
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		cleanup_free char *above = strndup(path, (size_t)(slash - path));

		if (above && items_find(replace, above))
			return 0;
	}
	return error_errno(err, ERROR_FAILED, number, "'/%s' lies in what is no folder of the workspace now", path);
}

int replace_check(struct replace *replace, struct error *err)
{
	for (size_t i = 0; i < replace->count; i++)
		if (check_mounts(replace, replace->items[i]->path, err) < 0 ||
		    check_way(replace, replace->items[i]->path, err) < 0)
			return -1;
	return 0;
}
