/* Attachments that libcni's cache knows: that of a container, and all of a network. */
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "network/cache.h"
#include "network/network.h"
#include "network/state.h"

/* The attachment in the file of the usual interface. Also one whose file cannot be understood is attached: only what
 * was cached of it is lost. 1 found, 0 no such file, -1 error. */
static int find_usual(const struct network *network, const char *id, struct network_attachment *attachment,
		      struct error *err)
{
	cleanup_text struct text text = { 0 };
	cleanup_json cJSON *entry = NULL;
	char name[CACHE_NAME_SIZE];
	int found;

	if (cache_name(network->conf.name, id, NETWORK_IFNAME, name, err) < 0)
		return -1;
	found = cache_read(network->cache_dir, name, &text, err);
	if (found <= 0)
		return found;
	entry = cache_parse(text.data, text.length, err);
	/* Names may hold hyphens, so the file can be another attachment's. */
	if (entry &&
	    (strcmp(cache_network(entry), network->conf.name) != 0 || strcmp(json_text(entry, "containerId"), id) != 0))
		return 0;
	if (entry)
		return cache_attachment(entry, text.data, attachment, err) < 0 ? -1 : 1;
	log_warning("'%s/results/%s' is not what libcni writes; its content is not used", network->cache_dir, name);
	error_clear(err);
	attachment->container_id = strdup(id);
	attachment->ifname = strdup(NETWORK_IFNAME);
	return attachment->container_id && attachment->ifname ? 1 : error_memory(err);
}

struct search {
	const struct network *network;
	const char *id;
	struct network_attachment *found;
	bool is_ours; /* of this network, not of one that was configured before */
};

static int consider(const cJSON *entry, const char *bytes, void *context, struct error *err)
{
	struct search *search = context;
	bool is_ours = strcmp(cache_network(entry), search->network->conf.name) == 0;

	if (strcmp(json_text(entry, "containerId"), search->id) != 0 || strcmp(json_text(entry, "ifName"), "lo") == 0 ||
	    (search->found->container_id && (search->is_ours || !is_ours)))
		return 0;
	network_attachment_release(search->found);
	search->is_ours = is_ours;
	return cache_attachment(entry, bytes, search->found, err);
}

/* An attachment with another interface, or to a network that is no longer the configured one. */
static int find_unusual(const struct network *network, const char *id, struct network_attachment *attachment,
			struct error *err)
{
	cleanup_free char *part = text_format("-%s-", id);
	struct search search = { .network = network, .id = id, .found = attachment };

	if (!part)
		return error_memory(err);
	if (cache_each(network->cache_dir, part, consider, &search, err) < 0)
		return -1;
	return attachment->container_id ? 1 : 0;
}

static int find(const struct network *network, const char *const *ids, size_t count,
		struct network_attachment *attachment, struct error *err)
{
	int found = 0;

	for (size_t i = 0; i < count && !found; i++)
		found = find_usual(network, ids[i], attachment, err);
	for (size_t i = 0; i < count && !found; i++)
		found = find_unusual(network, ids[i], attachment, err);
	if (found || count == 0)
		return found;
	attachment->container_id = strdup(ids[0]);
	attachment->ifname = strdup(NETWORK_IFNAME);
	return attachment->container_id && attachment->ifname ? 0 : error_memory(err);
}

int network_find(const struct network *network, const char *const *ids, size_t count,
		 struct network_attachment *attachment, struct error *err)
{
	int found;

	*attachment = (struct network_attachment){ 0 };
	found = find(network, ids, count, attachment, err);
	if (found < 0)
		network_attachment_release(attachment);
	return found;
}

struct visit {
	const struct network *network;
	network_each each;
	void *context;
};

static int visit_entry(const cJSON *entry, const char *bytes, void *context, struct error *err)
{
	cleanup_network_attachment struct network_attachment attachment = { 0 };
	const struct visit *visit = context;

	if (strcmp(cache_network(entry), visit->network->conf.name) != 0)
		return 0;
	if (cache_attachment(entry, bytes, &attachment, err) < 0)
		return -1;
	return visit->each(&attachment, visit->context, err);
}

int network_cached_each(const struct network *network, network_each each, void *context, struct error *err)
{
	struct visit visit = { .network = network, .each = each, .context = context };
	cleanup_free char *part = text_format("%s-", network->conf.name);

	if (!part)
		return error_memory(err);
	return cache_each(network->cache_dir, part, visit_entry, &visit, err) < 0 ? -1 : 0;
}
