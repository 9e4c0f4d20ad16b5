/* Warnings of things that the run itself does not put right: large histories, records in other namespaces. */
#ifndef WSNAP_WORKSPACE_WARNINGS_H
#define WSNAP_WORKSPACE_WARNINGS_H

#include "workspace/session.h"

/* Warns when the workspace has as many versions as settings->warn_versions or more. Asks the
 * database; what goes wrong there is only a detail. */
void warnings_versions(struct session *session, const char *container_id);

/* Warns when the workspace comes to stand on as many layers as settings->warn_depth or more. */
void warnings_depth(const struct settings *settings, const char *container_id, size_t layers);

/* For recover and doctor, which are about one namespace: warns of records that others have. */
void warnings_namespaces(struct session *session);

#endif
