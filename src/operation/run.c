#include "operation/run.h"

#include "base/log.h"
#include "operation/detachment.h"
#include "task/teardown.h"

void run_end(struct run *run)
{
	struct error ignored = { 0 };

	/* The threads use the network and the record; their outcome does not matter any more. */
	detachment_end(run->detachment, &ignored);
	teardown_end(run->teardown, &ignored);
	run->detachment = NULL;
	run->teardown = NULL;
	if (ctr_use_lease(run->session->ctr, NULL, &ignored) < 0)
		log_detail("%s", ignored.message);
	network_free(run->network);
	run->network = NULL;
}
