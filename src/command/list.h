/* The three lists of `wsnap list`. */
#ifndef WSNAP_COMMAND_LIST_H
#define WSNAP_COMMAND_LIST_H

#include "command/command.h"
#include "workspace/target.h"

struct list_options {
	bool snapshots;
	bool sizes;
	bool no_header;
	char *columns; /* names with commas between; NULL: the usual ones */
};

/* Whether the names are columns of that list: ERROR_USAGE. */
int list_workspaces_check(const char *words, struct error *err);
int list_versions_check(const char *words, struct error *err);
int list_snapshots_check(const char *words, struct error *err);

/* Every workspace on this host. */
int list_workspaces(const struct invocation *invocation, struct error *err);

/* The versions of one. */
int list_versions(const struct invocation *invocation, const struct target *target, struct error *err);

/* Its snapshots in containerd. */
int list_snapshots(const struct invocation *invocation, const struct target *target, struct error *err);

#endif
