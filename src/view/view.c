#include "view/view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/names_set.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "operation/recovery.h"
#include "workspace/tree.h"
#include "workspace/history.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/mount_table.h"
#include "workspace/snapshotter_traits.h"
#include "workspace/snapshotters.h"
#include "workspace/version_label.h"

#define VIEWS "labels.\"" LABEL_KIND "\"==\"" KIND_VIEW "\""
#define LEASE_NS ((int64_t)600 * 1000000000)

/* A label with its key. */
#define FOLDER_LIMIT 3800

void view_result_release(struct view_result *result)
{
	free(result->container_id);
	free(result->folder);
	free(result->name);
	*result = (struct view_result){ 0 };
}

/* --- the folder ------------------------------------------------------------------------------------- */

static int check_empty(const char *folder, struct error *err)
{
	cleanup_dir DIR *dir = opendir(folder);
	const struct dirent *entry;

	if (!dir)
		return error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be opened", folder);
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			error_set(err, ERROR_REFUSED, "the folder '%s' is not empty: a mount would hide what is in it",
				  folder);
			return error_hint(err, "choose an empty one; --force insists");
		}
	return 0;
}

/* Its name without links, as the table of mounts will have it; the caller frees. */
static char *resolve(const char *folder, struct error *err)
{
	cleanup_free char *path = realpath(folder, NULL);

	if (!path)
		error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be found", folder);
	else if (strlen(path) > FOLDER_LIMIT || !text_is_utf8(path, strlen(path)))
		error_set(err, ERROR_FAILED, "the folder '%s' cannot be noted in a label: it is too long, or not UTF-8",
			  folder);
	else
		return steal_pointer(path);
	return NULL;
}

/* --- mounting --------------------------------------------------------------------------------------- */

static int set_label(struct session *session, const struct store_version *row, const char *view, const char *key,
		     const char *value, struct error *err)
{
	return ctr_snapshot_set_label(session->ctr, row->snapshotter, view, key, value, err);
}

/* Whose it is and where; the one that keeps it comes last. */
static int set_labels(struct session *session, const struct store_version *row, const struct view_result *result,
		      bool plain, struct error *err)
{
	char boot[KEEPERS_BOOT_SIZE], space[KEEPERS_BOOT_SIZE], number[16], now[CLOCK_TEXT_SIZE];
	const char *view = result->name;

	keepers_boot(boot);
	keepers_mount_space(space);
	clock_format(clock_unix_ns(), now);
	snprintf(number, sizeof(number), "%d", row->version);
	if (set_label(session, row, view, LABEL_CONTAINER, result->container_id, err) < 0 ||
	    set_label(session, row, view, LABEL_VERSION, number, err) < 0 ||
	    set_label(session, row, view, LABEL_CREATED, now, err) < 0 ||
	    set_label(session, row, view, LABEL_BOOT, boot, err) < 0 ||
	    set_label(session, row, view, LABEL_MOUNT_SPACE, space, err) < 0 ||
	    set_label(session, row, view, LABEL_MOUNTED_AT, result->folder, err) < 0 ||
	    (plain && set_label(session, row, view, LABEL_MOUNT_PLAIN, "y", err) < 0) ||
	    set_label(session, row, view, LABEL_KIND, KIND_VIEW, err) < 0)
		return -1;
	return set_label(session, row, view, LABEL_GC_ROOT, now, err);
}

static int make_view(struct session *session, const struct store_version *row, const struct view_result *result,
		     struct ctr_mounts *mounts, struct error *err)
{
	const char *id = result->container_id;

	if (ctr_snapshot_view(session->ctr, row->snapshotter, result->name, row->runtime_name, mounts, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? history_is_missing(session, id, row, err) : -1;
	return set_labels(session, row, result, mounts->count != 1 || !snapshotter_mount_is_overlay(&mounts->items[0]),
			  err);
}

/* A lease keeps the view until its labels do. */
static int make_view_leased(struct session *session, const struct store_version *row, const struct view_result *result,
			    struct ctr_mounts *mounts, struct error *err)
{
	cleanup_free char *lease = NULL;
	struct error ignored = { 0 };
	char id[ID_SIZE];
	int made;

	id_random(id);
	lease = text_format("wsnap-look-%s", id);
	if (!lease)
		return error_memory(err);
	if (ctr_lease_create(session->ctr, lease, LEASE_NS, NULL, err) < 0 ||
	    ctr_use_lease(session->ctr, lease, err) < 0)
		return -1;
	made = make_view(session, row, result, mounts, err);
	if (ctr_use_lease(session->ctr, NULL, &ignored) < 0 ||
	    ctr_lease_delete(session->ctr, lease, false, &ignored) < 0)
		log_detail("%s", ignored.message);
	return made;
}

static int mount_view(const struct view_result *result, const struct ctr_mounts *mounts, struct error *err)
{
	cleanup_fd int tree = tree_mount(mounts, result->name, err);

	return tree < 0 ? -1 : tree_attach(tree, result->folder, err);
}

static int mount_row(struct session *session, const struct store_version *row, struct view_result *result,
		     struct error *err)
{
	cleanup_ctr_mounts struct ctr_mounts mounts = { 0 };
	struct error ignored = { 0 };

	result->version = row->version;
	result->name = text_format("%s-view-%lld", result->container_id, (long long)clock_unix_ns());
	if (!result->name)
		return error_memory(err);
	if (make_view_leased(session, row, result, &mounts, err) == 0 && mount_view(result, &mounts, err) == 0)
		return 0;
	if (ctr_snapshot_remove(session->ctr, row->snapshotter, result->name, &ignored) < 0)
		log_detail("%s", ignored.message);
	return -1;
}

static int mount_locked(struct session *session, const struct version_word *version, struct view_result *result,
			struct error *err)
{
	cleanup_store_version struct store_version row = { 0 };
	struct error ignored = { 0 };

	/* A version can be mounted whatever an earlier run has left. */
	recovery_settle_if_possible(session, result->container_id);
	if (session_need_store(session, err) < 0)
		return -1;
	if (view_tidy_locked(session, result->container_id, &ignored) < 0)
		log_detail("%s", ignored.message);
	if (history_find(session, result->container_id, version, &row, err) < 0)
		return -1;
	return mount_row(session, &row, result, err);
}

int view_mount(struct session *session, const struct target_word *word, const struct version_word *version,
	       const char *folder, struct view_result *result, struct error *err)
{
	cleanup_target struct target target = { 0 };
	struct lock_request request = { .what = "mount", .wait_s = session->settings->wait_s };
	struct lock lock;
	int done;

	result->folder = resolve(folder, err);
	if (!result->folder || (!session->settings->force && check_empty(result->folder, err) < 0) ||
	    target_resolve(session, word, false, &target, err) < 0)
		return -1;
	result->container_id = strdup(target.container_id);
	if (!result->container_id)
		return error_memory(err);
	request.container_id = target.container_id;
	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	done = mount_locked(session, version, result, err);
	lock_release_to_tell(&lock);
	return done;
}

/* --- unmounting ------------------------------------------------------------------------------------- */

/* A view that was found, with its snapshotter. */
struct found {
	const char *folder; /* that is looked for */
	char *snapshotter, *name, *container_id;
	int32_t version;
	bool mounted;
};

static void found_release(struct found *found)
{
	free(found->snapshotter);
	free(found->name);
	free(found->container_id);
}

static int keep_found(const char *snapshotter, const struct ctr_snapshot *view, struct found *found, struct error *err)
{
	const char *owner = labels_get(&view->labels, LABEL_CONTAINER);

	found_release(found);
	found->snapshotter = strdup(snapshotter);
	found->name = strdup(view->name);
	found->container_id = strdup(owner ? owner : "");
	found->version = version_label_parse(labels_get(&view->labels, LABEL_VERSION));
	found->mounted = keepers_mounted_at(view) != NULL;
	return found->snapshotter && found->name && found->container_id ? 0 : error_memory(err);
}

/* Of several at one place (one that is mounted no more, and its successor) the one that is mounted. */
static int find_in(struct session *session, const char *snapshotter, struct found *found, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots views = { 0 };

	if (snapshotters_list(session, snapshotter, VIEWS, &views, err) < 0)
		return -1;
	for (size_t i = 0; i < views.count; i++) {
		const char *at = labels_get(&views.items[i].labels, LABEL_MOUNTED_AT);

		if (at && strcmp(at, found->folder) == 0 && !found->mounted &&
		    keep_found(snapshotter, &views.items[i], found, err) < 0)
			return -1;
	}
	return 0;
}

static int find_view(struct session *session, struct found *found, struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };

	if (snapshotters_of(session, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++)
		if (find_in(session, snapshotters.items[i], found, err) < 0)
			return -1;
	if (found->name)
		return 0;
	error_set(err, ERROR_NOT_FOUND, "'%s' shows no version", found->folder);
	return error_hint(err, "'wsnap list TARGET' shows what is mounted where");
}

static int unmount(struct session *session, const char *folder, struct error *err)
{
	int flags = UMOUNT_NOFOLLOW | (session->settings->force ? MNT_DETACH : 0);

	if (umount2(folder, flags) == 0)
		return 0;
	error_errno(err, ERROR_FAILED, errno, "'%s' cannot be unmounted", folder);
	return errno == EBUSY ? error_hint(err, "somebody is in it; --force takes it from the folder all the same")
			      : -1;
}

static int umount_found(struct session *session, const struct found *found, struct error *err)
{
	if (found->mounted && unmount(session, found->folder, err) < 0)
		return -1;
	return ctr_snapshot_remove(session->ctr, found->snapshotter, found->name, err);
}

static int umount_locked(struct session *session, struct found *found, struct view_result *result, struct error *err)
{
	const struct lock_request request = { .container_id = found->container_id,
					      .what = "umount",
					      .wait_s = session->settings->wait_s };
	struct lock lock;
	int done;

	if (lock_take(session, &request, &lock, err) < 0)
		return -1;
	recovery_settle_if_possible(session, found->container_id);
	done = umount_found(session, found, err);
	lock_release_to_tell(&lock);
	if (done < 0)
		return -1;
	result->version = found->version;
	result->was_mounted = found->mounted;
	result->container_id = steal_pointer(found->container_id);
	result->name = steal_pointer(found->name);
	return 0;
}

int view_umount(struct session *session, const char *folder, struct view_result *result, struct error *err)
{
	struct found found = { 0 };
	int done;

	result->folder = resolve(folder, err);
	if (!result->folder)
		return -1;
	found.folder = result->folder;
	done = find_view(session, &found, err);
	if (done == 0)
		done = umount_locked(session, &found, result, err);
	found_release(&found);
	return done;
}

/* --- what is left ------------------------------------------------------------------------------------ */

static char *views_of(const char *container_id)
{
	return container_id ? text_format(VIEWS ",labels.\"%s\"==\"%s\"", LABEL_CONTAINER, container_id)
			    : strdup(VIEWS);
}

static int tidy_in(struct session *session, const char *snapshotter, const char *filter, struct error *err)
{
	cleanup_ctr_snapshots struct ctr_snapshots views = { 0 };

	if (snapshotters_list(session, snapshotter, filter, &views, err) < 0)
		return -1;
	for (size_t i = 0; i < views.count; i++)
		if (keepers_is_stale_view(&views.items[i]) &&
		    ctr_snapshot_remove(session->ctr, snapshotter, views.items[i].name, err) < 0)
			return -1;
	return 0;
}

int view_tidy_locked(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set snapshotters = { 0 };
	cleanup_free char *filter = views_of(container_id);

	if (!filter)
		return error_memory(err);
	if (snapshotters_of(session, &snapshotters, err) < 0)
		return -1;
	for (size_t i = 0; i < snapshotters.count; i++)
		if (tidy_in(session, snapshotters.items[i], filter, err) < 0)
			return -1;
	return 0;
}

static int add_stale(const struct ctr_snapshot *view, void *context, struct error *err)
{
	const char *owner = labels_get(&view->labels, LABEL_CONTAINER);

	return owner && keepers_is_stale_view(view) ? names_set_add(context, owner, err) : 0;
}

int view_tidy(struct session *session, const char *container_id, struct error *err)
{
	cleanup_names_set struct names_set owners = { 0 };
	cleanup_free char *filter = views_of(container_id);

	if (!filter)
		return error_memory(err);
	if (snapshotters_each(session, filter, add_stale, &owners, err) < 0)
		return -1;
	for (size_t i = 0; i < owners.count; i++) {
		const struct lock_request request = { .container_id = owners.items[i], .what = "tidy" };
		struct error busy = { 0 };
		struct lock lock;
		int done;

		if (lock_take(session, &request, &lock, &busy) < 0)
			continue;
		recovery_settle_if_possible(session, owners.items[i]);
		done = view_tidy_locked(session, owners.items[i], err);
		lock_release(&lock);
		if (done < 0)
			return -1;
	}
	return 0;
}

struct mounted_walk {
	view_each_mounted each;
	void *context;
};

static int tell_mounted(const struct ctr_snapshot *view, void *context, struct error *err)
{
	const struct mounted_walk *walk = context;
	const char *folder = keepers_mounted_at(view);

	return folder ? walk->each(view->parent, folder, walk->context, err) : 0;
}

int view_each(struct session *session, const char *container_id, const char *snapshotter, view_each_mounted each,
	      void *context, struct error *err)
{
	struct mounted_walk walk = { .each = each, .context = context };
	cleanup_free char *filter = views_of(container_id);
	cleanup_free char *prefix = text_format("%s-view-", container_id);

	if (!prefix)
		return error_memory(err);
	if (snapshotter && snapshotter_known(snapshotter)->views_are_overlays && !mount_table_has_sources(prefix))
		return 0;
	return filter ? snapshotters_each(session, filter, tell_mounted, &walk, err) : error_memory(err);
}
