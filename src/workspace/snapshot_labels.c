#include "workspace/snapshot_labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"

static int add(struct labels *labels, const char *key, const char *value, struct error *err)
{
	return value && *value ? labels_set(labels, key, value, err) : 0;
}

/* What every snapshot of ours says. */
static int add_origin(const struct record *record, const char *kind, struct labels *labels, struct error *err)
{
	char created[CLOCK_TEXT_SIZE];

	clock_format(record->created_ns, created);
	if (add(labels, LABEL_KIND, kind, err) < 0 || add(labels, LABEL_CONTAINER, record->container_id, err) < 0 ||
	    add(labels, LABEL_OPERATION, record->operation_id, err) < 0)
		return -1;
	return add(labels, LABEL_CREATED, created, err);
}

/* What the workspace's state began with, as its owner sees it: merged layers are not a state. */
static const char *begins_with(const struct record *record)
{
	if (record->kind == OPERATION_ROLLBACK && !record->turned_back)
		return record->rollback_name;
	return record->kind == OPERATION_COMPACT ? record->stands_on : record->saved;
}

/* Where in the history it belongs: by this the newest state is found again where the record is lost. */
static int add_place(const struct record *record, struct labels *labels, struct error *err)
{
	char last[16];

	snprintf(last, sizeof(last), "%d", record->version_floor);
	if (record->version_floor > 0 && add(labels, LABEL_LAST_VERSION, last, err) < 0)
		return -1;
	return add(labels, LABEL_STANDS_ON, begins_with(record), err);
}

/* containerd takes no more for a label's key and value (containerd, labels/validate.go). */
#define LABEL_LIMIT 4096

/* So that they are not lost with the active snapshot. */
static int add_remembered(const struct record *record, struct labels *labels, struct error *err)
{
	for (size_t i = 0; i < record->kept_labels.count; i++) {
		const struct label *label = &record->kept_labels.items[i];
		cleanup_free char *key = text_format("%s%s", LABEL_OF_ACTIVE, label->key);

		if (!key)
			return error_memory(err);
		if (strlen(key) + strlen(label->value) <= LABEL_LIMIT && add(labels, key, label->value, err) < 0)
			return -1;
	}
	return 0;
}

/* Of a committed snapshot that is no version. */
static int add_layer(const struct record *record, const char *kind, struct labels *labels, struct error *err)
{
	if (add_origin(record, kind, labels, err) < 0 || add_place(record, labels, err) < 0)
		return -1;
	return add_remembered(record, labels, err);
}

int snapshot_labels_saved(const struct record *record, struct labels *labels, struct error *err)
{
	char created[CLOCK_TEXT_SIZE];

	clock_format(record->created_ns, created);
	if (add(labels, LABEL_GC_ROOT, created, err) < 0)
		return -1;
	if (!record_makes_version(record))
		return add_layer(record, KIND_LAYER, labels, err);
	if (add_origin(record, KIND_VERSION, labels, err) < 0 || add(labels, LABEL_BOT_ID, record->bot_id, err) < 0 ||
	    add(labels, LABEL_SOURCE, record->source, err) < 0 ||
	    add(labels, LABEL_NAME, record->display_name, err) < 0 ||
	    (record->live && add(labels, LABEL_LIVE, "true", err) < 0) ||
	    add(labels, LABEL_BY, record->origin.by, err) < 0 ||
	    add(labels, LABEL_HOST, record->origin.host, err) < 0 ||
	    add(labels, LABEL_NOTE, record->origin.note, err) < 0 ||
	    add(labels, LABEL_BLUEPRINT, record->blueprint, err) < 0 || add_remembered(record, labels, err) < 0)
		return -1;
	return add(labels, LABEL_PARENT, record->stands_on, err);
}

int snapshot_labels_merged(const struct record *record, struct labels *labels, struct error *err)
{
	if (add_layer(record, KIND_MERGED, labels, err) < 0)
		return -1;
	return add(labels, LABEL_SHOWS, record->merged_shows, err);
}

const char *snapshot_labels_shows(const struct ctr_snapshot *snapshot)
{
	const char *kind = labels_get(&snapshot->labels, LABEL_KIND);
	const char *shows = labels_get(&snapshot->labels, LABEL_SHOWS);

	return shows && kind && strcmp(kind, KIND_MERGED) == 0 ? shows : "";
}

int snapshot_labels_of_others(const struct ctr_snapshot *active, struct labels *kept, struct error *err)
{
	for (size_t i = 0; i < active->labels.count; i++) {
		const struct label *label = &active->labels.items[i];

		if (!text_starts_with(label->key, "wsnap.") && !text_starts_with(label->key, "containerd.io/gc.") &&
		    strcmp(label->key, "containerd.io/snapshot.ref") != 0 &&
		    add(kept, label->key, label->value, err) < 0)
			return -1;
	}
	return 0;
}

int snapshot_labels_remembered(const struct ctr_snapshot *version, struct labels *kept, struct error *err)
{
	for (size_t i = 0; i < version->labels.count; i++) {
		const struct label *label = &version->labels.items[i];

		if (text_starts_with(label->key, LABEL_OF_ACTIVE) &&
		    add(kept, label->key + strlen(LABEL_OF_ACTIVE), label->value, err) < 0)
			return -1;
	}
	return 0;
}

int snapshot_labels_filling(const struct record *record, struct labels *labels, struct error *err)
{
	return add_origin(record, KIND_FILLING, labels, err);
}

int snapshot_labels_saving(const struct record *record, struct labels *labels, struct error *err)
{
	if (snapshot_labels_saved(record, labels, err) < 0 || labels_set(labels, LABEL_KIND, KIND_FILLING, err) < 0)
		return -1;
	return labels_set(labels, LABEL_SAVED_AS, record->saved, err);
}

int snapshot_labels_active(const struct record *record, struct labels *labels, struct error *err)
{
	char depth[16];

	snprintf(depth, sizeof(depth), "%d", record->depth);
	if (labels_copy(labels, &record->kept_labels, err) < 0 || add_origin(record, KIND_ACTIVE, labels, err) < 0 ||
	    (record->depth > 0 && add(labels, LABEL_DEPTH, depth, err) < 0))
		return -1;
	return add_place(record, labels, err);
}

bool snapshot_labels_lack_root(const struct labels *labels, const char *container_id)
{
	const char *owner = labels_get(labels, LABEL_CONTAINER);

	return owner && strcmp(owner, container_id) == 0 && !labels_get(labels, LABEL_GC_ROOT);
}

int snapshot_labels_keep(struct session *session, const char *snapshotter, const char *name, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	char now[CLOCK_TEXT_SIZE];
	int found = ctr_snapshot_stat(session->ctr, snapshotter, name, &snapshot, err);

	if (found <= 0)
		return found;
	clock_format(clock_unix_ns(), now);
	/* Whether it is marked or not: giving up the whole history may have been cut off before it came to this one. */
	if (!labels_get(&snapshot.labels, LABEL_KEPT) &&
	    ctr_snapshot_set_label(session->ctr, snapshotter, name, LABEL_KEPT, now, err) < 0)
		return -1;
	/* Before gc.root is set: a mark on a snapshot with gc.root means that it is still to be given up. */
	if (labels_get(&snapshot.labels, LABEL_GIVEN_UP) &&
	    ctr_snapshot_set_label(session->ctr, snapshotter, name, LABEL_GIVEN_UP, "", err) < 0)
		return -1;
	if (labels_get(&snapshot.labels, LABEL_GC_ROOT))
		return 0;
	return ctr_snapshot_set_label(session->ctr, snapshotter, name, LABEL_GC_ROOT, now, err);
}
