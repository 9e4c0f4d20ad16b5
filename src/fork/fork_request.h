/* What a fork is asked for, and what it answers. */
#ifndef WSNAP_FORK_FORK_REQUEST_H
#define WSNAP_FORK_FORK_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/labels.h"
#include "operation/result.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

#define FORK_MAX_STEPS 8

struct fork_request {
	const struct target_word *target;
	const struct version_word *version;
	const char *new_id;
	const struct labels *labels; /* that the new container gets, whatever the origin has */
	const char *bot;             /* NULL: its own */
	bool start;
	bool name_as_hostname;
};

struct fork_result {
	char operation_id[ID_SIZE];
	struct operation_step steps[FORK_MAX_STEPS];
	size_t step_count;
	double noted_ms; /* when the last step ended */
	char *container_id;
	char *snapshotter;
	char *image;
	bool started;
	char *origin_id;
	int32_t origin_version;
	int32_t version; /* the fork's first */
};

#endif
