/* Giving a version another display name. */
#ifndef WSNAP_STORE_RENAME_H
#define WSNAP_STORE_RENAME_H

#include "store/versions.h"

/* Sets the display name of the version's snapshot (NULL: none) and writes the event `name`, in one transaction that is
 * announced on wsnap_saved. ERROR_NOT_FOUND when the version has gone. */
int store_version_rename(struct store *store, const char *container_id, const struct store_version *row,
			 const char *display_name, const char *operation_id, struct error *err);

#endif
