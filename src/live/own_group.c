#include "live/own_group.h"

#include "live/processes.h"

int own_group_find(const struct live_request *request, struct freezer *freezer, struct error *err)
{
	cleanup_processes struct processes processes = { 0 };

	if (processes_of(&processes, request->pid, err) < 0)
		return -1;
	return freezer_find(freezer, processes.pids, processes.count, request->others, request->other_count, err);
}
