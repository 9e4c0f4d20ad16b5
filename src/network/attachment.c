/* An attachment as JSON, as it is kept in an operation's record. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "network/conf.h"
#include "network/network.h"
#include "network/result.h"

void network_attachment_release(struct network_attachment *attachment)
{
	free(attachment->container_id);
	free(attachment->ifname);
	free(attachment->args);
	free(attachment->capabilities);
	free(attachment->address);
	free(attachment->cached);
	*attachment = (struct network_attachment){ 0 };
}

char *network_attachment_print(const struct network_attachment *attachment, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (json_add_text(json, "container_id", attachment->container_id, err) < 0 ||
	    json_add_text(json, "ifname", attachment->ifname, err) < 0 ||
	    json_add_text(json, "args", attachment->args, err) < 0 ||
	    json_add_text(json, "capabilities", attachment->capabilities, err) < 0 ||
	    json_add_text(json, "address", attachment->address, err) < 0 ||
	    json_add_text(json, "cached", attachment->cached, err) < 0)
		return NULL;
	return json_print(json, err);
}

/* The attachment copied out of its JSON; NULL members where the JSON has null. */
static int copy_members(const cJSON *json, struct network_attachment *attachment, struct error *err)
{
	const struct {
		const char *key;
		char **to;
	} members[] = {
		{ "container_id", &attachment->container_id },
		{ "ifname", &attachment->ifname },
		{ "args", &attachment->args },
		{ "capabilities", &attachment->capabilities },
		{ "address", &attachment->address },
		{ "cached", &attachment->cached },
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *value = json_text(json, members[i].key);

		*members[i].to = value ? strdup(value) : NULL;
		if (value && !*members[i].to)
			return error_memory(err);
	}
	return 0;
}

static int check(const struct network_attachment *attachment, struct error *err)
{
	if (!attachment->container_id || !conf_name_is_valid(attachment->container_id) || !attachment->ifname ||
	    !conf_ifname_is_valid(attachment->ifname))
		return error_set(err, ERROR_FAILED, "the attachment has no valid container id and interface");
	if (attachment->address && !result_address_is_valid(attachment->address))
		return error_set(err, ERROR_FAILED, "the attachment has the invalid address '%s'", attachment->address);
	return 0;
}

int network_attachment_parse(const char *json, struct network_attachment *attachment, struct error *err)
{
	cleanup_json cJSON *document = json_parse(json, strlen(json), "the attachment", err);

	*attachment = (struct network_attachment){ 0 };
	if (!document)
		return -1;
	if (copy_members(document, attachment, err) == 0 && check(attachment, err) == 0)
		return 0;
	network_attachment_release(attachment);
	return -1;
}
