#include "view/view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "workspace/keepers.h"
#include "workspace/label_keys.h"

#define VIEWS "labels.\"" LABEL_KIND "\"==\"" KIND_VIEW "\""

void view_result_release(struct view_result *result)
{
	free(result->container_id);
	free(result->folder);
	free(result->name);
	*result = (struct view_result){ 0 };
}

char *view_folder(const char *folder, struct error *err)
{
	cleanup_free char *path = realpath(folder, NULL);

	if (!path)
		error_errno(err, ERROR_FAILED, errno, "the folder '%s' cannot be found", folder);
	else if (strlen(path) > VIEW_FOLDER_LIMIT || !text_is_utf8(path, strlen(path)))
		error_set(err, ERROR_FAILED, "the folder '%s' cannot be noted in a label: it is too long, or not UTF-8",
			  folder);
	else
		return steal_pointer(path);
	return NULL;
}

char *view_filter(const char *container_id)
{
	return container_id ? text_format(VIEWS ",labels.\"%s\"==\"%s\"", LABEL_CONTAINER, container_id)
			    : strdup(VIEWS);
}
