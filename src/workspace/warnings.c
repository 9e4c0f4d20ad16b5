#include "workspace/warnings.h"

#include <string.h>

#include "base/log.h"
#include "store/workspaces.h"
#include "workspace/chain.h"
#include "workspace/journal.h"

void warnings_versions(struct session *session, const char *container_id)
{
	cleanup_store_workspace struct store_workspace row = { 0 };
	int limit = session->settings->warn_versions;
	struct error err = { 0 };

	if (limit <= 0 || !session->store)
		return;
	if (store_workspace_of_container(session->store, container_id, &row, &err) < 0)
		log_detail("the versions of '%s' cannot be counted: %s", container_id, err.message);
	else if (row.versions >= limit)
		log_warning("'%s' has %d versions; 'wsnap prune %s --keep-last N' gives old ones up", container_id,
			    row.versions, container_id);
}

void warnings_depth(const struct settings *settings, const char *container_id, size_t layers)
{
	if (settings->warn_depth > 0 && layers >= (size_t)settings->warn_depth)
		log_warning("'%s' stands on %zu layers, of which overlayfs takes less than %d; "
			    "'wsnap compact %s' merges those of its versions",
			    container_id, layers, CHAIN_KERNEL_LIMIT, container_id);
}

void warnings_namespaces(struct session *session)
{
	cleanup_names_set struct names_set namespaces = { 0 };
	struct error err = { 0 };

	if (session_open_state(session, &err) < 0 || journal_namespaces(session, &namespaces, &err) < 0) {
		log_detail("other namespaces cannot be looked at: %s", err.message);
		return;
	}
	for (size_t i = 0; i < namespaces.count; i++)
		if (strcmp(namespaces.items[i], session->settings->namespace) != 0)
			log_warning("the namespace '%s' has interrupted operations: "
				    "'wsnap -n %s recover' finishes them",
				    namespaces.items[i], namespaces.items[i]);
}
