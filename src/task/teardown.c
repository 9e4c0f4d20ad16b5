#include "task/teardown.h"

#include <pthread.h>
#include <stdlib.h>

#include "ctr/tasks.h"

struct teardown {
	pthread_t thread;
	const struct settings *settings;
	const char *container_id;
	int result;
	struct error error;
};

static void *tear_down(void *argument)
{
	struct teardown *teardown = argument;
	cleanup_ctr struct ctr *ctr = NULL;

	teardown->result = ctr_open(teardown->settings->address, teardown->settings->namespace, &ctr, &teardown->error);
	if (teardown->result == 0)
		teardown->result = ctr_task_delete(ctr, teardown->container_id, &teardown->error);
	return NULL;
}

int teardown_begin(const struct settings *settings, const char *container_id, struct teardown **begun,
		   struct error *err)
{
	struct teardown *teardown = calloc(1, sizeof(*teardown));
	int failed;

	if (!teardown)
		return error_memory(err);
	teardown->settings = settings;
	teardown->container_id = container_id;
	failed = pthread_create(&teardown->thread, NULL, tear_down, teardown);
	if (failed) {
		free(teardown);
		return error_errno(err, ERROR_FAILED, failed, "a thread cannot be started");
	}
	*begun = teardown;
	return 0;
}

int teardown_end(struct teardown *teardown, struct error *err)
{
	int result;

	if (!teardown)
		return 0;
	pthread_join(teardown->thread, NULL);
	result = teardown->result;
	if (result < 0)
		*err = teardown->error;
	free(teardown);
	return result;
}
