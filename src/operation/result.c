#include "operation/result.h"

#include <stdlib.h>

void operation_result_release(struct operation_result *result)
{
	free(result->container_id);
	free(result->display_name);
	free(result->runtime_name);
	free(result->snapshotter);
	free(result->source);
	for (size_t i = 0; i < result->unsaved_mount_count; i++)
		free(result->unsaved_mounts[i]);
	free(result->unsaved_mounts);
	*result = (struct operation_result){ 0 };
}
