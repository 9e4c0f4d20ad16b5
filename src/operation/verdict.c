#include "operation/verdict.h"

#include <stddef.h>

/* Read from the top: the first row that fits counts. */
/* clang-format off */
const struct verdict verdicts[] = {
	{ FACT_INCOMPLETE, 0, VERDICT_REPORT, NULL },

	/* The way back. */
	{ FACT_BACK | FACT_UNTOUCHED | FACT_CONTAINERD, FACT_MONITORED, VERDICT_LEAVE_TIDYING, NULL },
	{ FACT_BACK | FACT_PENDS, FACT_CONTAINERD, VERDICT_LEAVE_START, NULL },
	{ FACT_BACK | FACT_ORPHANED, 0, VERDICT_LEAVE,
	  "is not ours any more, and what was saved of it is not recorded yet" },
	{ FACT_BACK | FACT_BEFORE, 0, VERDICT_LEAVE, "is not as it was yet" },
	{ FACT_BACK | FACT_DOWN, 0, VERDICT_LEAVE, "is not as it was yet" },
	{ FACT_BACK | FACT_UNHELD | FACT_MONITORED, 0, VERDICT_LEAVE, "is not as it was yet" },
	{ FACT_BACK | FACT_SAVES, FACT_RECORDED, VERDICT_LEAVE,
	  "is back as it was, but what it saved is not recorded yet" },
	{ FACT_BACK, 0, VERDICT_LEAVE, "is back as it was, but not all is tidied up" },

	/* Forward, but the container is not ours any more: execute.c ends the operation. */
	{ FACT_ORPHANED, 0, VERDICT_REPORT, NULL },

	/* The way forward, while the workspace still runs. A resumed run has come here because something has taken
	 * effect that cannot be taken back. */
	{ FACT_BEFORE | FACT_RESUMED, 0, VERDICT_LEAVE, "has an operation that is not ended yet" },
	{ FACT_BEFORE | FACT_FORGETS, 0, VERDICT_FORGET, NULL },
	{ FACT_BEFORE, 0, VERDICT_TAKE_BACK, NULL },

	/* While it is down. */
	{ FACT_DOWN | FACT_EFFECT_UNKNOWN | FACT_STOP_SENT, 0, VERDICT_LEAVE, "is down" },
	{ FACT_DOWN | FACT_EFFECT_UNKNOWN | FACT_RESUMED, 0, VERDICT_LEAVE, "may be down" },
	{ FACT_DOWN | FACT_EFFECT_UNKNOWN, 0, VERDICT_LEAVE, "was not stopped, but its operation is not ended" },
	{ FACT_DOWN | FACT_EFFECT_NONE, 0, VERDICT_TAKE_BACK, NULL },
	{ FACT_DOWN | FACT_ROLLBACK, FACT_CONTAINERD | FACT_USED, VERDICT_GIVE_UP, NULL },
	{ FACT_DOWN | FACT_PENDS, FACT_CONTAINERD, VERDICT_LEAVE_START, NULL },
	{ FACT_DOWN | FACT_SAVES, 0, VERDICT_LEAVE, "is saved, but is down" },
	{ FACT_DOWN | FACT_ROLLBACK, 0, VERDICT_LEAVE, "was rolled back, but is down" },
	{ FACT_DOWN, 0, VERDICT_LEAVE, "is compacted, but is down" },

	/* When it is back. */
	{ FACT_RECORDED, 0, VERDICT_LEAVE, "is back and what was done is recorded, but not all is tidied up" },
	{ FACT_SAVES, 0, VERDICT_LEAVE, "is back and its state is saved, but that is not recorded yet" },
	{ 0, 0, VERDICT_LEAVE, "is back, but what was done is not recorded yet" },
};
/* clang-format on */

const unsigned verdict_count = sizeof(verdicts) / sizeof(*verdicts);

const struct verdict *verdict_of(unsigned facts)
{
	const struct verdict *verdict = verdicts;

	while ((verdict->when & facts) != verdict->when || (verdict->unless & facts))
		verdict++;
	return verdict;
}
