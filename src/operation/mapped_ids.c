#include "operation/mapped_ids.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "layer/layer.h"
#include "layer/mapped_view.h"
#include "operation/new_layer.h"
#include "workspace/disk_space.h"
#include "workspace/label_keys.h"

bool mapped_ids_copies(const struct record *record)
{
	return (record->uid_map || record->gid_map) && record_saves(record) && !record->live;
}

static struct mapped_view *open_view(const struct record *record, struct error *err)
{
	struct id_maps maps;

	if (id_maps_parse(record->uid_map, record->gid_map, &maps, err) < 0)
		return NULL;
	return mapped_view_open(record->old_upper, &maps, err);
}

int mapped_ids_save(struct run *run, const struct labels *labels, struct error *err)
{
	const struct record *record = run->record;
	const char *parent = record->merged ? record->merged : record->old_parent;
	cleanup_mapped_view struct mapped_view *view = open_view(record, err);
	const char *content;

	if (!view || new_layer_begin(run, record->saved, parent ? parent : "", err) < 0)
		return -1;
	content = mapped_view_path(view);
	return new_layer_fill(run, record->saved, &content, 1, labels, err);
}

/* --- before ------------------------------------------------------------------------------------------------- */

static const char *way_around(const struct record *record)
{
	if (record->kind == OPERATION_RESTORE)
		return "; --no-save restores the files without saving what they are now";
	return record->kind == OPERATION_ROLLBACK ? "; --no-save goes back without saving" : "";
}

static int refuse(const struct record *record, const char *why, struct error *err)
{
	error_set(
		err, ERROR_REFUSED,
		"'%s' was not touched: containerd maps the ids of the layers below its own (the label '%s'), so that in "
		"a version all that it has written itself would belong to nobody: %s",
		record->container_id, LABEL_UID_MAPPING, why);
	return error_hint(
		err,
		"a container that is made without --remap-labels has an image with the ids of its user "
		"namespace, and its versions keep them%s%s",
		record->live ? "" : "; --force saves it all the same, with the ids that its files have on the host",
		way_around(record));
}

static int refuse_foreign(const struct record *record, const char *path, struct error *err)
{
	error_set(err, ERROR_REFUSED,
		  "'%s' was not touched: '%.1000s' in it belongs to a user or a group of the host that its user "
		  "namespace does not have, and would belong to nobody for good in a version",
		  record->container_id, path);
	return error_hint(err,
			  "give it to an id of the user namespace (chown on the host, under /proc/PID/root), or remove "
			  "it; --force saves it all the same%s",
			  way_around(record));
}

/* What layers cannot be read, or committed, is known only by looking. It may change meanwhile: then this says nothing. */
static int check_layer(const struct location *location, const char *content, struct error *err)
{
	struct layer_merge_result cost = { 0 };
	int deep = layer_has_long_paths(location->writable, err);

	if (deep > 0)
		return error_set(err, ERROR_REFUSED, "its tree is deeper than a path can be");
	if (deep == 0 && layer_merge_cost(location->marks, &content, 1, location->writable, &cost, err) == 0)
		return 0;
	return error_forgive(err, ERROR_FAILED) ? 0 : -1;
}

static int check_room(const struct location *location, struct error *err)
{
	int64_t bytes, entries;

	if (layer_usage(location->writable, &bytes, &entries, err) < 0)
		return -1;
	return disk_space_check_for(location->writable, layer_shares_content(location->writable) ? 0 : (uint64_t)bytes,
				    (uint64_t)entries, "a copy of its writable layer", err);
}

static int check_foreign(const struct settings *settings, const struct location *location, const struct record *record,
			 struct error *err)
{
	cleanup_free char *path = NULL;
	struct id_maps maps;
	int found = id_maps_parse(record->uid_map, record->gid_map, &maps, err) < 0
			    ? -1
			    : layer_find_foreign(location->writable, &maps, &path, err);

	if (found <= 0)
		return found;
	if (!settings->force)
		return refuse_foreign(record, path, err);
	log_warning("'%.1000s' in '%s', and maybe more, belongs to nobody in it, and in its versions", path,
		    record->container_id);
	return 0;
}

/* What is left without a view: the layer itself is saved. */
static int insist(const struct settings *settings, struct record *record, struct error *err)
{
	struct error why = *err;

	if (err->kind != ERROR_REFUSED)
		return -1;
	if (!settings->force || record->live)
		return refuse(record, why.message, err);
	free(steal_pointer(record->uid_map));
	free(steal_pointer(record->gid_map));
	error_clear(err);
	log_warning(
		"containerd maps the ids of the layers below that of '%s': what its versions hold that it has written "
		"itself belongs to nobody in it; the files keep their ids on the host: %s",
		record->container_id, why.message);
	return 0;
}

int mapped_ids_check(const struct plan *plan, const struct findings *findings, struct record *record, struct error *err)
{
	const struct settings *settings = plan->session->settings;
	const struct location *location = &findings->location;
	cleanup_mapped_view struct mapped_view *view = NULL;

	if (!location_maps_ids(location) || !record_saves(record))
		return 0;
	view = open_view(record, err);
	if (!view || (!record->live && check_layer(location, mapped_view_path(view), err) < 0))
		return insist(settings, record, err);
	if (check_foreign(settings, location, record, err) < 0)
		return -1;
	return record->live ? 0 : check_room(location, err);
}
