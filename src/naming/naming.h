/* Naming a version after it was made: its row, and the label of its snapshot, from which the row can be made again. */
#ifndef WSNAP_NAMING_NAMING_H
#define WSNAP_NAMING_NAMING_H

#include "base/id.h"
#include "store/versions.h"
#include "workspace/session.h"
#include "workspace/target.h"
#include "workspace/version_word.h"

struct naming_request {
	const struct target_word *target;
	const struct version_word *version;
	const char *name; /* one that name_check() made; NULL takes the name away */
};

struct naming_result {
	char operation_id[ID_SIZE];
	char *container_id;
	struct store_version row; /* as it is now */
};

void naming_result_release(struct naming_result *result);

#define cleanup_naming_result __attribute__((cleanup(naming_result_release)))

/*
 * Names it. Blocks up to settings->wait_s for the lock, and finishes first what an earlier run left. ERROR_INCOMPLETE:
 * the row has the name and the label has not; the same command again puts that right.
 */
int naming_run(struct session *session, const struct naming_request *request, struct naming_result *result,
	       struct error *err);

#endif
