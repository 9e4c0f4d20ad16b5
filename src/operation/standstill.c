#include "operation/standstill.h"

#include "live/live.h"
#include "operation/restoring.h"

int standstill_of(const struct run *run, uint32_t pid, struct error *err)
{
	uint32_t others[OTHERS_MAX];
	const struct live_request request = { .pid = pid,
					      .others = others,
					      .other_count = restoring_list_others(run, pid, others) };

	return live_is_frozen(&request, err);
}
