#include "operation/networks.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"

int networks_load(struct session *session, struct network **network, struct error *err)
{
	struct network_settings settings = {
		.plugin_path = session->settings->cni_path,
		.conf_dir = session->settings->cni_conf_dir,
		.timeout_ms = session->settings->cni_timeout_s * 1000,
	};
	int loaded = network_load(&settings, network, err);

	if (loaded < 0)
		return error_wrap(err, "the CNI configuration");
	return 0;
}

static const char *why_not_ours(const struct session *session, const struct spec *spec)
{
	if (!session->settings->network_auto)
		return "--network none";
	if (spec->network_in_hooks)
		return "hooks in its spec attach it";
	if (!spec->own_network)
		return "it has no network namespace of its own";
	return NULL;
}

/* What libcni's cache holds for it: `ctr run --cni` attaches NAMESPACE-ID, others the plain id. */
static int find_attachment(const struct network *network, struct record *record, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	cleanup_free char *full = text_format("%s-%s", record->namespace, record->container_id);
	const char *const ids[] = { record->container_id, full };

	if (!full)
		return error_memory(err);
	if (network_find(network, ids, 2, &attachment, err) < 0)
		return -1;
	record->attachment = network_attachment_print(&attachment, err);
	return record->attachment ? 0 : -1;
}

int networks_plan(struct session *session, const struct spec *spec, const char *earlier, struct record *record,
		  struct network **network, struct error *err)
{
	const char *reason = why_not_ours(session, spec);

	if (reason) {
		log_detail("the network of '%s' is left alone: %s", record->container_id, reason);
		return 0;
	}
	if (networks_load(session, network, err) < 0)
		return -1;
	if (!*network) {
		log_detail("the network of '%s' is left alone: there is no CNI configuration in '%s'",
			   record->container_id, session->settings->cni_conf_dir);
		return 0;
	}
	if (!earlier)
		return find_attachment(*network, record, err);
	record->attachment = strdup(earlier);
	return record->attachment ? 0 : error_memory(err);
}
