#include "ctr/snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctr/grpc.h"
#include "ctr/message.h"
#include "ctr/message_list.h"
#include "ctr/snapshots.pb-c.h"

#define PACKAGE "containerd.services.snapshots.v1"

static const struct grpc_method stat = { PACKAGE, "Snapshots", "Stat", GRPC_READ_MS };
static const struct grpc_method list = { PACKAGE, "Snapshots", "List", GRPC_WRITE_MS };
static const struct grpc_method prepare = { PACKAGE, "Snapshots", "Prepare", GRPC_LONG_MS };
static const struct grpc_method view = { PACKAGE, "Snapshots", "View", GRPC_LONG_MS };
static const struct grpc_method get_mounts = { PACKAGE, "Snapshots", "Mounts", GRPC_READ_MS };
static const struct grpc_method commit = { PACKAGE, "Snapshots", "Commit", GRPC_LONG_MS };
static const struct grpc_method remove_method = { PACKAGE, "Snapshots", "Remove", GRPC_LONG_MS };
static const struct grpc_method update = { PACKAGE, "Snapshots", "Update", GRPC_WRITE_MS };
static const struct grpc_method usage = { PACKAGE, "Snapshots", "Usage", GRPC_LONG_MS };

void ctr_snapshot_release(struct ctr_snapshot *snapshot)
{
	free(snapshot->name);
	free(snapshot->parent);
	labels_release(&snapshot->labels);
	*snapshot = (struct ctr_snapshot){ 0 };
}

void ctr_snapshots_release(struct ctr_snapshots *snapshots)
{
	for (size_t i = 0; i < snapshots->count; i++)
		ctr_snapshot_release(&snapshots->items[i]);
	free(snapshots->items);
	*snapshots = (struct ctr_snapshots){ 0 };
}

static int copy_info(void *to, const void *told, struct error *err)
{
	const Ctr__Snapshots__Info *from = told;
	cleanup_ctr_snapshot struct ctr_snapshot copy = {
		.kind = (enum ctr_snapshot_kind)from->kind,
		.created_ns = message_time_ns(from->created_at),
		.updated_ns = message_time_ns(from->updated_at),
	};

	if (message_copy_string(&copy.name, from->name, err) < 0 ||
	    message_copy_string(&copy.parent, from->parent, err) < 0 ||
	    message_copy_labels(&copy.labels, from->labels, from->n_labels, err) < 0)
		return error_wrap(err, "snapshot '%s'", from->name);
	*(struct ctr_snapshot *)to = copy;
	copy = (struct ctr_snapshot){ 0 };
	return 0;
}

static void set_key(Ctr__Snapshots__KeyRequest *request, const char *snapshotter, const char *key)
{
	ctr__snapshots__key_request__init(request);
	request->snapshotter = message_string(snapshotter);
	request->key = message_string(key);
}

int ctr_snapshot_stat(struct ctr *ctr, const char *snapshotter, const char *name, struct ctr_snapshot *snapshot,
		      struct error *err)
{
	cleanup_message Ctr__Snapshots__StatResponse *reply = NULL;
	Ctr__Snapshots__KeyRequest request;

	set_key(&request, snapshotter, name);
	reply = grpc_ask(ctr, &stat, &request.base, &ctr__snapshots__stat_response__descriptor, err);
	if (!reply)
		return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
	if (!reply->info)
		return error_set(err, ERROR_CONTAINERD, "containerd answered for snapshot '%s' with none", name);
	return !snapshot || copy_info(snapshot, reply->info, err) == 0 ? 1 : -1;
}

static size_t weigh_info(const void *from)
{
	const Ctr__Snapshots__Info *info = from;

	return sizeof(struct ctr_snapshot) + strlen(info->name) + strlen(info->parent) + 2 +
	       message_labels_size(info->labels, info->n_labels);
}

static void release_info(void *item)
{
	ctr_snapshot_release(item);
}

static const struct message_items snapshot_items = {
	.size = sizeof(struct ctr_snapshot),
	.weigh = weigh_info,
	.copy = copy_info,
	.release = release_info,
};

static int add_snapshots(void *found, const void *message, struct error *err)
{
	const Ctr__Snapshots__ListResponse *frame = message;

	for (size_t i = 0; i < frame->n_info; i++)
		if (message_list_add(found, frame->info[i], err) < 0)
			return -1;
	return 0;
}

static int list_filtered(struct ctr *ctr, const char *snapshotter, const char *filter, grpc_handler each, void *context,
			 struct error *err)
{
	Ctr__Snapshots__ListRequest request;
	char *filters[] = { message_string(filter) };

	ctr__snapshots__list_request__init(&request);
	request.snapshotter = message_string(snapshotter);
	request.filters = filters;
	request.n_filters = filter ? 1 : 0;
	return grpc_stream(ctr, &list, &request.base, &ctr__snapshots__list_response__descriptor, each, context, err);
}

int ctr_snapshot_list(struct ctr *ctr, const char *snapshotter, const char *filter, struct ctr_snapshots *snapshots,
		      struct error *err)
{
	cleanup_message_list struct message_list found = { .kind = &snapshot_items };

	if (list_filtered(ctr, snapshotter, filter, add_snapshots, &found, err) < 0)
		return -1;
	snapshots->items = message_list_steal(&found, &snapshots->count);
	return 0;
}

struct names_each {
	ctr_snapshot_name_each each;
	void *context;
	size_t kept; /* bytes, if each name is */
};

static int pass_names(void *context, const void *message, struct error *err)
{
	const Ctr__Snapshots__ListResponse *frame = message;
	struct names_each *names = context;

	for (size_t i = 0; i < frame->n_info; i++)
		if (message_list_weigh(&names->kept, strlen(frame->info[i]->name) + 1, err) < 0 ||
		    names->each(frame->info[i]->name, names->context, err) < 0)
			return -1;
	return 0;
}

int ctr_snapshot_names_each(struct ctr *ctr, const char *snapshotter, const char *filter, ctr_snapshot_name_each each,
			    void *context, struct error *err)
{
	struct names_each names = { .each = each, .context = context };

	return list_filtered(ctr, snapshotter, filter, pass_names, &names, err);
}

static int make_snapshot(struct ctr *ctr, const struct grpc_method *method, const char *snapshotter, const char *key,
			 const char *parent, const struct labels *labels, struct ctr_mounts *mounts, struct error *err)
{
	cleanup_message Ctr__Snapshots__MountsResponse *reply = NULL;
	cleanup_free Ctr__Label **entries = NULL;
	Ctr__Snapshots__PrepareRequest request;

	ctr__snapshots__prepare_request__init(&request);
	request.snapshotter = message_string(snapshotter);
	request.key = message_string(key);
	request.parent = message_string(parent);
	entries = message_make_labels(labels, &request.n_labels, err);
	if (!entries && request.n_labels)
		return -1;
	request.labels = entries;
	reply = grpc_ask(ctr, method, &request.base, &ctr__snapshots__mounts_response__descriptor, err);
	if (!reply)
		return -1;
	return mounts ? message_copy_mounts(mounts, reply->mounts, reply->n_mounts, err) : 0;
}

int ctr_snapshot_prepare(struct ctr *ctr, const char *snapshotter, const char *key, const char *parent,
			 const struct labels *labels, struct ctr_mounts *mounts, struct error *err)
{
	return make_snapshot(ctr, &prepare, snapshotter, key, parent, labels, mounts, err);
}

/* Its request and its reply are those of Prepare, field by field. */
int ctr_snapshot_view(struct ctr *ctr, const char *snapshotter, const char *key, const char *parent,
		      struct ctr_mounts *mounts, struct error *err)
{
	return make_snapshot(ctr, &view, snapshotter, key, parent, NULL, mounts, err);
}

int ctr_snapshot_mounts(struct ctr *ctr, const char *snapshotter, const char *key, struct ctr_mounts *mounts,
			struct error *err)
{
	cleanup_message Ctr__Snapshots__MountsResponse *reply = NULL;
	Ctr__Snapshots__KeyRequest request;

	set_key(&request, snapshotter, key);
	reply = grpc_ask(ctr, &get_mounts, &request.base, &ctr__snapshots__mounts_response__descriptor, err);
	return reply ? message_copy_mounts(mounts, reply->mounts, reply->n_mounts, err) : -1;
}

int ctr_snapshot_commit(struct ctr *ctr, const char *snapshotter, const char *name, const char *key,
			const struct labels *labels, struct error *err)
{
	Ctr__Snapshots__CommitRequest request;
	cleanup_free Ctr__Label **entries = NULL;

	ctr__snapshots__commit_request__init(&request);
	entries = message_make_labels(labels, &request.n_labels, err);
	if (!entries && request.n_labels)
		return -1;
	request.snapshotter = message_string(snapshotter);
	request.name = message_string(name);
	request.key = message_string(key);
	request.labels = entries;
	return grpc_tell(ctr, &commit, &request.base, err);
}

int ctr_snapshot_remove(struct ctr *ctr, const char *snapshotter, const char *name, struct error *err)
{
	Ctr__Snapshots__KeyRequest request;

	set_key(&request, snapshotter, name);
	if (grpc_tell(ctr, &remove_method, &request.base, err) == 0)
		return 0;
	return ctr_forgive(ctr, CTR_NOT_FOUND, err) ? 0 : -1;
}

static int update_labels(struct ctr *ctr, const char *snapshotter, Ctr__Snapshots__Info *info, char **paths,
			 struct error *err)
{
	Ctr__Snapshots__UpdateRequest request;
	Ctr__FieldMask mask = CTR__FIELD_MASK__INIT;

	ctr__snapshots__update_request__init(&request);
	mask.paths = paths;
	mask.n_paths = info->n_labels;
	request.snapshotter = message_string(snapshotter);
	request.info = info;
	request.update_mask = &mask;
	return grpc_tell(ctr, &update, &request.base, err);
}

int ctr_snapshot_set_labels(struct ctr *ctr, const char *snapshotter, const char *name, const struct labels *labels,
			    struct error *err)
{
	Ctr__Snapshots__Info info;
	cleanup_label_update struct message_label_update changed = { 0 };

	if (message_label_update_make(labels, &changed, err) < 0)
		return -1;
	ctr__snapshots__info__init(&info);
	info.name = message_string(name);
	info.labels = changed.entries;
	info.n_labels = changed.count;
	return update_labels(ctr, snapshotter, &info, changed.paths, err);
}

int ctr_snapshot_set_label(struct ctr *ctr, const char *snapshotter, const char *name, const char *key,
			   const char *value, struct error *err)
{
	cleanup_labels struct labels labels = { 0 };

	if (labels_set(&labels, key, value, err) < 0)
		return -1;
	return ctr_snapshot_set_labels(ctr, snapshotter, name, &labels, err);
}

int ctr_snapshot_usage(struct ctr *ctr, const char *snapshotter, const char *name, int64_t *bytes, int64_t *inodes,
		       struct error *err)
{
	cleanup_message Ctr__Snapshots__UsageResponse *reply = NULL;
	Ctr__Snapshots__KeyRequest request;

	set_key(&request, snapshotter, name);
	reply = grpc_ask(ctr, &usage, &request.base, &ctr__snapshots__usage_response__descriptor, err);
	if (!reply)
		return -1;
	*bytes = reply->size;
	*inodes = reply->inodes;
	return 0;
}
