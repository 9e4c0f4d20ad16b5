#include "base/beside.h"

static void *run(void *argument)
{
	struct beside *beside = argument;

	beside->result = beside->work(beside->context, &beside->error);
	return NULL;
}

int beside_begin(struct beside *beside, beside_work work, void *context, struct error *err)
{
	int failed;

	*beside = (struct beside){ .work = work, .context = context };
	failed = pthread_create(&beside->thread, NULL, run, beside);
	return failed ? error_errno(err, ERROR_FAILED, failed, "a thread cannot be started") : 0;
}

int beside_end(struct beside *beside, struct error *err)
{
	pthread_join(beside->thread, NULL);
	if (beside->result < 0)
		*err = beside->error;
	return beside->result;
}
