/* Which versions of a workspace are to go, decided before anything is touched. */
#ifndef WSNAP_PRUNE_PRUNE_PLAN_H
#define WSNAP_PRUNE_PRUNE_PLAN_H

#include "prune/prune_result.h"
#include "workspace/inventory.h"

/*
 * `goes` gets one flag for each version of the inventory. By rules: the newest version, the one the workspace
 * stands on, named ones (without request->named), and those whose snapshots this containerd lacks never go. Versions
 * whose times lie in the future stay as well, with a warning.
 */
int prune_plan_by_rules(const struct prune_request *request, int64_t now_ns, const struct inventory *inventory,
			const char *container_id, bool *goes, struct error *err);

/* The versions that the request names. ERROR_NOT_FOUND; ERROR_REFUSED for the newest and the current one, and
 * for a name, a place or a time whose snapshot this containerd lacks: such a row goes by its number alone. */
int prune_plan_named(struct session *session, const struct prune_request *request, const struct inventory *inventory,
		     const char *container_id, bool *goes, struct error *err);

/* ERROR_REFUSED for a version that somebody else needs: it is mounted, or a guard may have to go back to it. */
int prune_plan_check_keepers(const struct inventory_version *version, const char *container_id, struct error *err);

/* The snapshots that no version refers to any more once those go. */
int prune_plan_given_up(const struct inventory *inventory, const bool *goes, struct names_set *given_up,
			struct error *err);

#endif
