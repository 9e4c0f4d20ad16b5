#include "workspace/version_label.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctr/snapshots.h"
#include "workspace/label_keys.h"

int32_t version_label_parse(const char *value)
{
	if (!value || !text_is_digits(value) || strlen(value) > 10 || atoll(value) > INT32_MAX)
		return 0;
	return (int32_t)atoll(value);
}

int32_t version_label_greatest(struct session *session, const char *snapshotter, const char *container_id,
			       struct error *err)
{
	cleanup_free char *filter = text_format("labels.\"%s\"==\"%s\"", LABEL_CONTAINER, container_id);
	cleanup_ctr_snapshots struct ctr_snapshots found = { 0 };
	int32_t greatest = 0;

	if (!filter)
		return error_memory(err);
	if (ctr_snapshot_list(session->ctr, snapshotter, filter, &found, err) < 0)
		return -1;
	for (size_t i = 0; i < found.count; i++) {
		int32_t number = version_label_parse(labels_get(&found.items[i].labels, LABEL_VERSION));

		if (number > greatest)
			greatest = number;
	}
	return greatest;
}
