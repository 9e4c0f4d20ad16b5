#include "view/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/boot.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "operation/recovery.h"
#include "store/versions.h"
#include "view/stale.h"
#include "workspace/history.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"
#include "workspace/lock.h"
#include "workspace/snapshotter_traits.h"
#include "workspace/tree.h"

#define LEASE_NS ((int64_t)600 * 1000000000)

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

static int set_label(struct session *session, const struct store_version *row, const char *snapshot, const char *key,
		     const char *value, struct error *err)
{
	return ctr_snapshot_set_label(session->ctr, row->snapshotter, snapshot, key, value, err);
}

/* Whose it is and where; the one that keeps it comes last. */
static int set_labels(struct session *session, const struct store_version *row, const struct view_result *result,
		      bool plain, struct error *err)
{
	char boot[BOOT_ID_SIZE], space[KEEPERS_SPACE_SIZE], number[16], now[CLOCK_TEXT_SIZE];
	const char *view = result->name;

	boot_id(boot);
	keepers_mount_space(space);
	clock_format(clock_unix_ns(), now);
	snprintf(number, sizeof(number), "%d", row->version);
	if (set_label(session, row, view, LABEL_CONTAINER, result->container_id, err) < 0 ||
	    set_label(session, row, view, LABEL_VERSION, number, err) < 0 ||
	    set_label(session, row, view, LABEL_CREATED, now, err) < 0 ||
	    set_label(session, row, view, LABEL_BOOT, boot, err) < 0 ||
	    set_label(session, row, view, LABEL_MOUNT_SPACE, space, err) < 0 ||
	    set_label(session, row, view, LABEL_MOUNTED_AT, result->folder, err) < 0 ||
	    (plain && set_label(session, row, view, LABEL_MOUNT_PLAIN, KEEPERS_PLAIN_UNTOLD, err) < 0) ||
	    set_label(session, row, view, LABEL_KIND, KIND_VIEW, err) < 0)
		return -1;
	return set_label(session, row, view, LABEL_GC_ROOT, now, err);
}

/* Whether it cannot be told by its source. */
static bool is_plain(const struct ctr_mounts *mounts)
{
	return mounts->count != 1 || !snapshotter_mount_is_overlay(&mounts->items[0]);
}

static int make_view(struct session *session, const struct store_version *row, const struct view_result *result,
		     struct ctr_mounts *mounts, struct error *err)
{
	const char *id = result->container_id;
	char now[CLOCK_TEXT_SIZE];

	if (ctr_snapshot_view(session->ctr, row->snapshotter, result->name, row->runtime_name, mounts, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? history_is_missing(session, id, row, err) : -1;
	if (set_labels(session, row, result, is_plain(mounts), err) < 0)
		return -1;
	clock_format(clock_unix_ns(), now);
	return set_label(session, row, row->runtime_name, LABEL_MOUNTED, now, err);
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

/* What the table of mounts calls it tells a plain mount from another on the same folder. Without that any there counts. */
static void tell_plain(struct session *session, const struct store_version *row, const struct view_result *result,
		       const struct ctr_mounts *mounts)
{
	cleanup_mount_seen struct mount_seen seen = { 0 };
	struct error ignored = { 0 };

	if (is_plain(mounts) && mount_table_seen(result->folder, &seen) > 0 &&
	    set_label(session, row, result->name, LABEL_MOUNT_PLAIN, seen.identity, &ignored) < 0)
		log_detail("%s", ignored.message);
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
	if (make_view_leased(session, row, result, &mounts, err) == 0 && mount_view(result, &mounts, err) == 0) {
		tell_plain(session, row, result, &mounts);
		return 0;
	}
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
	if (view_remove_stale_locked(session, result->container_id, &ignored) < 0)
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

	result->folder = view_folder(folder, err);
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
