#include "operation/plan_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/label_keys.h"

int plan_network_load(struct session *session, struct network **network, struct error *err)
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
	if (session->settings->network == NETWORK_NONE)
		return "--network none";
	if (spec->network_in_hooks)
		return "hooks in its spec attach it";
	if (!spec->own_network)
		return "it has no network namespace of its own";
	return NULL;
}

/* What libcni's cache holds for it: `ctr run --cni` attaches NAMESPACE-ID, others the plain id. */
static int find_attachment(const struct network *network, bool may_be_new, struct record *record, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	cleanup_free char *full = text_format("%s-%s", record->namespace, record->container_id);
	const char *const ids[] = { record->container_id, full };
	int found;

	if (!full)
		return error_memory(err);
	found = network_find(network, ids, 2, &attachment, err);
	if (found < 0 || (found == 0 && !may_be_new))
		return found;
	record->attachment = network_attachment_print(&attachment, err);
	return record->attachment ? 1 : -1;
}

/* A workspace server gives its containers networks itself, with or without libcni. */
static bool may_be_new(const struct session *session, const struct ctr_container *container)
{
	return session->settings->network == NETWORK_ATTACH || labels_get(&container->labels, LABEL_BOT) ||
	       labels_get(&container->labels, LABEL_WORKSPACE);
}

static int give_again(struct session *session, const struct ctr_container *container, struct record *record,
		      struct network **network, struct error *err)
{
	int found = find_attachment(*network, may_be_new(session, container), record, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	log_detail("the network of '%s' is left alone: it never had one ('--network attach' gives it one)",
		   record->container_id);
	network_free(*network);
	*network = NULL;
	return 0;
}

int plan_network(struct session *session, const struct ctr_container *container, const struct spec *spec,
		 const char *earlier, struct record *record, struct network **network, struct error *err)
{
	const char *reason = why_not_ours(session, spec);

	if (reason) {
		log_detail("the network of '%s' is left alone: %s", record->container_id, reason);
		return 0;
	}
	if (plan_network_load(session, network, err) < 0)
		return -1;
	if (!*network) {
		log_detail("the network of '%s' is left alone: there is no CNI configuration in '%s'",
			   record->container_id, session->settings->cni_conf_dir);
		return 0;
	}
	if (!earlier)
		return give_again(session, container, record, network, err);
	record->attachment = strdup(earlier);
	return record->attachment ? 0 : error_memory(err);
}
