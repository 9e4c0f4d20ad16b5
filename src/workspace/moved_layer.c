#include "workspace/moved_layer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "workspace/label_keys.h"
#include "workspace/location.h"

int moved_layer_mark_receiver(int64_t inode, struct labels *labels, struct error *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)inode);
	return labels_set(labels, LABEL_MOVED_INODE, text, err);
}

int moved_layer_mark_home(struct session *session, const char *snapshotter, const char *home, const char *receiver,
			  struct error *err)
{
	if (ctr_snapshot_set_label(session->ctr, snapshotter, home, LABEL_MOVED_TO, receiver, err) == 0)
		return 0;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}

/* The folder of that snapshot alone; the caller frees. NULL: it has none. */
static int find_folder(struct session *session, const char *snapshotter, const struct ctr_snapshot *snapshot,
		       char **folder, struct error *err)
{
	cleanup_layer_paths struct layer_paths layers = { 0 };
	cleanup_location struct location location = { 0 };

	*folder = NULL;
	if (snapshot->kind == CTR_SNAPSHOT_ACTIVE) {
		if (location_find(session, snapshotter, snapshot->name, &location, err) < 0)
			return -1;
		*folder = steal_pointer(location.writable);
		return 0;
	}
	if (location_find_layers(session, snapshotter, snapshot->name, &layers, err) < 0)
		return -1;
	*folder = layers.count > 0 ? steal_pointer(layers.items[0]) : NULL;
	return 0;
}

/* Whether the layer that it bears the inode of lies in it: 1, 0, -1. */
static int holds(struct session *session, const char *snapshotter, const char *name, struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	cleanup_free char *folder = NULL;
	struct layer_identity identity;
	const char *inode;
	char text[24];
	int found = ctr_snapshot_stat(session->ctr, snapshotter, name, &snapshot, err);

	inode = found > 0 ? labels_get(&snapshot.labels, LABEL_MOVED_INODE) : NULL;
	if (!inode)
		return found < 0 ? -1 : 0;
	if (find_folder(session, snapshotter, &snapshot, &folder, err) < 0)
		return -1;
	if (!folder || layer_identify(folder, &identity) < 0)
		return 0;
	snprintf(text, sizeof(text), "%lld", (long long)identity.inode);
	return strcmp(text, inode) == 0;
}

/* What a receiver is called once it is committed, where it was made for that. 1 with *name, the caller's; 0, -1. */
static int committed_name(const char *receiver, char **name, struct error *err)
{
	size_t length = strlen(receiver), ending = strlen(SNAPSHOT_WORK);

	if (length <= ending || strcmp(receiver + length - ending, SNAPSHOT_WORK) != 0)
		return 0;
	*name = strndup(receiver, length - ending);
	return *name ? 1 : error_memory(err);
}

int moved_layer_find(struct session *session, const char *snapshotter, const struct ctr_snapshot *home, char **name,
		     struct error *err)
{
	const char *receiver = labels_get(&home->labels, LABEL_MOVED_TO);
	cleanup_free char *committed = NULL;
	int found = receiver ? holds(session, snapshotter, receiver, err) : 0;

	if (found > 0) {
		*name = strdup(receiver);
		return *name ? 1 : error_memory(err);
	}
	if (found < 0 || !receiver)
		return found;
	found = committed_name(receiver, &committed, err);
	if (found > 0)
		found = holds(session, snapshotter, committed, err);
	if (found > 0)
		*name = steal_pointer(committed);
	return found;
}
