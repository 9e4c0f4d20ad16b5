#include "operation/mapped_ids.h"

#include "base/log.h"
#include "workspace/label_keys.h"

static int refuse(const struct record *record, struct error *err)
{
	error_set(
		err, ERROR_REFUSED,
		"'%s' was not touched: containerd maps the ids of the layers below its own (the label '%s'), so that in "
		"a version all that it has written itself would belong to nobody",
		record->container_id, LABEL_UID_MAPPING);
	return error_hint(err,
			  "a container that is made without --remap-labels has an image with the ids of its user "
			  "namespace, and its versions keep them; --force saves it all the same, with the ids that its "
			  "files have on the host%s",
			  record->kind == OPERATION_ROLLBACK ? "; --no-save goes back without saving" : "");
}

int mapped_ids_check(const struct settings *settings, const struct location *location, const struct record *record,
		     struct error *err)
{
	if (!location->maps_ids)
		return 0;
	if (record_saves(record) && !settings->force)
		return refuse(record, err);
	log_warning(
		"containerd maps the ids of the layers below that of '%s': what its versions hold that it has written "
		"itself belongs to nobody in it; the files keep their ids on the host",
		record->container_id);
	return 0;
}
