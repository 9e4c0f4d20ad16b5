#include "operation/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "ctr/snapshots.h"
#include "layer/layer.h"
#include "workspace/location.h"
#include "workspace/snapshot_labels.h"

/* Whether what lies under the active snapshot is that version, or a merged layer that shows the same tree. */
static int stands_right_on(struct session *session, const char *snapshotter, const char *active, const char *version,
			   struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 }, parent = { 0 };
	int found = ctr_snapshot_stat(session->ctr, snapshotter, active, &snapshot, err);

	if (found <= 0)
		return found;
	if (strcmp(snapshot.parent, version) == 0)
		return 1;
	if (!*snapshot.parent)
		return 0;
	found = ctr_snapshot_stat(session->ctr, snapshotter, snapshot.parent, &parent, err);
	return found > 0 ? strcmp(snapshot_labels_shows(&parent), version) == 0 : found;
}

/* A layer that cannot be read to its end (another filesystem may be mounted inside it) may hide a change. */
static int judge(int none, struct error *err)
{
	if (none >= 0 || err->kind != ERROR_REFUSED)
		return none;
	log_detail("taken for changed: %s", err->message);
	error_clear(err);
	return 0;
}

static int compare_layer(struct location *location, struct error *err)
{
	const char *content = location_content(location, err);

	if (!content)
		return -1;
	return judge(layer_changes_nothing(location->marks, content, (const char *const *)location->below.items,
					   location->below.count, err),
		     err);
}

static int compare_trees(struct session *session, const char *snapshotter, struct location *location,
			 const char *version, struct error *err)
{
	cleanup_layer_paths struct layer_paths saved = { 0 };
	cleanup_free const char **layers = calloc(location->below.count + 1, sizeof(*layers));
	const struct layer_stack present = { .layers = layers, .count = location->below.count + 1 };
	struct layer_stack then;

	if (!layers)
		return error_memory(err);
	layers[0] = location_content(location, err);
	if (!layers[0] || location_find_layers(session, snapshotter, version, &saved, err) < 0)
		return -1;
	for (size_t i = 0; i < location->below.count; i++)
		layers[i + 1] = location->below.items[i];
	then = (struct layer_stack){ .layers = (const char *const *)saved.items, .count = saved.count };
	return judge(layer_same_trees(location->marks, &present, &then, err), err);
}

static int find(struct session *session, const char *snapshotter, const char *active, struct location *location,
		struct error *err)
{
	if (location_find(session, snapshotter, active, location, err) < 0)
		return -1;
	return location->stacks && location->below.count > 0;
}

int changes_none(struct session *session, const char *snapshotter, const char *active, const char *version,
		 struct error *err)
{
	cleanup_location struct location location = { 0 };
	int readable = find(session, snapshotter, active, &location, err);
	int right_on = readable > 0 ? stands_right_on(session, snapshotter, active, version, err) : readable;

	if (readable <= 0 || right_on < 0)
		return right_on;
	return right_on ? compare_layer(&location, err) : compare_trees(session, snapshotter, &location, version, err);
}
