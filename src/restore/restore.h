/*
 * Files of a version brought back into a workspace whose processes go on running, or into a folder of this host.
 *
 * What differs is worked out by compare/, and made so by an operation (OPERATION_RESTORE), which calls back for it.
 */
#ifndef WSNAP_RESTORE_RESTORE_H
#define WSNAP_RESTORE_RESTORE_H

#include "restore/restoration.h"

/* ERROR_NOT_FOUND for a path that neither the version nor the workspace has. */
int restore_run(struct session *session, const struct restore_request *request, struct restore_result *result,
		struct error *err);
void restore_result_release(struct restore_result *result);

#define cleanup_restore_result __attribute__((cleanup(restore_result_release)))

#endif
