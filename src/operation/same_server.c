#include "operation/same_server.h"

#include <string.h>

#include "base/cleanup.h"
#include "ctr/server.h"

int same_server_check(struct session *session, const struct record *record, struct error *err)
{
	cleanup_free char *id = record->server_id ? ctr_server_id(session->ctr, err) : NULL;

	if (!record->server_id || (id && strcmp(id, record->server_id) == 0))
		return 0;
	if (!id)
		return -1;
	error_set(err, ERROR_FAILED, "'%s' has an operation that was begun in another containerd than the one at '%s'",
		  record->container_id, session->settings->address);
	return error_hint(err,
			  "let that one run, or name it with --address: 'wsnap recover %s' ends the operation there; "
			  "where it is gone for good, move the record out of '%s'",
			  record->container_id, session->settings->state_dir);
}
