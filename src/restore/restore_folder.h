/* A version's files in a folder of this host, and a look at them. */
#ifndef WSNAP_RESTORE_RESTORE_FOLDER_H
#define WSNAP_RESTORE_RESTORE_FOLDER_H

#include "restore/restoration.h"

/* Whether the version has the path, absolute: 1, 0, -1. */
int restore_version_has(struct session *session, const struct store_version *version, const char *path,
			struct error *err);

/* The files of the version in a folder of this host, as they are there: what the folder has beside them stays. */
int restore_into_folder(struct session *session, const struct restore_request *request, struct restore_result *result,
			struct error *err);

#endif
