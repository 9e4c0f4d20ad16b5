#include "prune/prune_result.h"

#include <stdlib.h>

void prune_result_release(struct prune_result *result)
{
	for (size_t i = 0; i < result->removed_count; i++) {
		free(result->removed[i].display_name);
		free(result->removed[i].runtime_name);
		free(result->removed[i].left);
	}
	free(result->removed);
	free(result->kept);
	free(result->container_id);
	*result = (struct prune_result){ 0 };
}
