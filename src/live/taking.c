#include "live/taking.h"

int taking_too_long(struct taking *taking, const char *what, struct error *err)
{
	error_set(err, ERROR_FAILED, "%s within %u ms", what, taking->live->request.max_freeze_ms);
	if (taking->live->request.change)
		return error_hint(err, "--max-freeze allows more");
	return error_hint(err, "--max-freeze allows more, --stop saves it with a stop");
}

bool taking_is_late(const struct taking *taking, double now_ms)
{
	const struct live *live = taking->live;

	return guard_has_thawed(&taking->guard) ||
	       (!live->freezer.frozen_before && now_ms - taking->since_ms > live->request.max_freeze_ms);
}
