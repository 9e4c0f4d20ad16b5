#include "task/teardown.h"

#include <stdlib.h>

#include "base/beside.h"
#include "ctr/tasks.h"

struct teardown {
	struct beside beside;
	const struct settings *settings;
	const char *container_id;
};

static int tear_down(void *context, struct error *err)
{
	const struct teardown *teardown = context;
	cleanup_ctr struct ctr *ctr = NULL;

	if (ctr_open(teardown->settings->address, teardown->settings->namespace, &ctr, err) < 0)
		return -1;
	return ctr_task_delete(ctr, teardown->container_id, err);
}

int teardown_begin(const struct settings *settings, const char *container_id, struct teardown **begun,
		   struct error *err)
{
	struct teardown *teardown = calloc(1, sizeof(*teardown));

	if (!teardown)
		return error_memory(err);
	teardown->settings = settings;
	teardown->container_id = container_id;
	if (beside_begin(&teardown->beside, tear_down, teardown, err) < 0) {
		free(teardown);
		return -1;
	}
	*begun = teardown;
	return 0;
}

int teardown_end(struct teardown *teardown, struct error *err)
{
	int result;

	if (!teardown)
		return 0;
	result = beside_end(&teardown->beside, err);
	free(teardown);
	return result;
}
