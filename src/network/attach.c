/* ADD and DEL of an attachment: the plugins in order, the request for an address, what is undone. */
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "network/cache.h"
#include "network/network.h"
#include "network/plugin.h"
#include "network/result.h"
#include "network/state.h"

#define TRY_AGAIN_AFTER_MS 200

/* What one ADD or DEL gives its plugins beside their configuration. */
struct request {
	char *args;
	cJSON *capabilities;
	bool asks; /* for the address that the attachment had */
};

static void request_release(struct request *request)
{
	free(request->args);
	cJSON_Delete(request->capabilities);
	*request = (struct request){ 0 };
}

#define cleanup_request __attribute__((cleanup(request_release)))

/* Whether CNI_ARGS ("A=b;C=d") has the key. */
static bool args_have(const char *args, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = args; at; at = strchr(at, ';')) {
		at += *at == ';';
		if (strncmp(at, key, length) == 0 && at[length] == '=')
			return true;
	}
	return false;
}

static bool any_can(const struct conf *conf, const char *capability)
{
	const cJSON *plugin;

	cJSON_ArrayForEach(plugin, conf->plugins)
		if (conf_plugin_can(plugin, capability))
			return true;
	return false;
}

/* The `static` plugin wants a prefix length in CNI_ARGS, older host-local ones refuse it. */
static bool wants_prefix(const struct conf *conf)
{
	const cJSON *plugin;

	cJSON_ArrayForEach(plugin, conf->plugins) {
		const char *ipam = conf_plugin_ipam(plugin);

		if (ipam && strcmp(ipam, "static") == 0)
			return true;
	}
	return false;
}

static int ask_by_capability(struct request *request, const char *address, struct error *err)
{
	cJSON *list;

	if (!request->capabilities)
		request->capabilities = cJSON_CreateObject();
	list = cJSON_AddArrayToObject(request->capabilities, "ips");
	if (!list || !cJSON_AddItemToArray(list, cJSON_CreateString(address)))
		return error_memory(err);
	return 0;
}

static int ask_by_args(struct request *request, const struct conf *conf, const char *address, struct error *err)
{
	int length = wants_prefix(conf) ? (int)strlen(address) : (int)strcspn(address, "/");
	char *args = text_format("%s%s%sIP=%.*s", request->args ? request->args : "", request->args ? ";" : "",
				 args_have(request->args, "IgnoreUnknown") ? "" : "IgnoreUnknown=1;", length, address);

	if (!args)
		return error_memory(err);
	free(request->args);
	request->args = args;
	return 0;
}

/* An address that the container's owner asked for is theirs: we ask for none then. */
static int ask(struct request *request, const struct conf *conf, const char *address, struct error *err)
{
	if (!address || args_have(request->args, "IP") ||
	    cJSON_GetObjectItemCaseSensitive(request->capabilities, "ips"))
		return 0;
	request->asks = true;
	if (any_can(conf, "ips"))
		return ask_by_capability(request, address, err);
	return ask_by_args(request, conf, address, err);
}

static int request_prepare(struct request *request, const struct network_attachment *attachment, struct error *err)
{
	char name[CACHE_NAME_SIZE];

	if (cache_name("network", attachment->container_id, attachment->ifname, name, err) < 0)
		return -1;
	if (attachment->address && !result_address_is_valid(attachment->address))
		return error_set(err, ERROR_FAILED, "'%s' is not an address with a prefix length", attachment->address);
	if (attachment->args && *attachment->args) {
		request->args = strdup(attachment->args);
		if (!request->args)
			return error_memory(err);
	}
	if (!attachment->capabilities)
		return 0;
	request->capabilities =
		json_parse(attachment->capabilities, strlen(attachment->capabilities), "capability arguments", err);
	if (!request->capabilities)
		return -1;
	if (!cJSON_IsObject(request->capabilities))
		return error_set(err, ERROR_FAILED, "capability arguments are not a JSON object");
	return 0;
}

static struct plugin_call call_of(const struct network *network, const struct conf *conf,
				  const struct network_attachment *attachment, const struct request *request,
				  const char *command, const char *netns)
{
	return (struct plugin_call){
		.command = command,
		.path = network->plugin_path,
		.timeout_ms = network->timeout_ms,
		.conf = conf,
		.container_id = attachment->container_id,
		.ifname = attachment->ifname,
		.netns = netns,
		.args = request->args,
		.capabilities = request->capabilities,
	};
}

/* DEL must be repeatable, and a second one often gets past what stopped the first (the bridge plugin's, past
 * a chain of iptables that is still in use). A plugin that hung would only hang again. */
static int del_one(const struct plugin_call *call, const cJSON *plugin, const cJSON *result, struct error *err)
{
	int code;

	if (plugin_run(call, plugin, result, NULL, &code, err) == 0)
		return 0;
	if (code == PLUGIN_CODE_TIMED_OUT)
		return -1;
	log_detail("network '%s': %s; trying once more", call->conf->name, err->message);
	return plugin_run(call, plugin, result, NULL, &code, err);
}

/* DEL by every plugin, the last first. One that fails does not keep the others from freeing
 * what they hold; the first failure is the error. */
static int run_del(const struct plugin_call *call, const cJSON *result, struct error *err)
{
	struct error later;
	int failures = 0;

	for (int i = cJSON_GetArraySize(call->conf->plugins) - 1; i >= 0; i--)
		if (del_one(call, cJSON_GetArrayItem(call->conf->plugins, i), result, failures ? &later : err) < 0)
			failures++;
	return failures ? -1 : 0;
}

/* ADD by every plugin in order, each with the result of the one before. *result is the last one's,
 * which the caller deletes. */
static int run_add(const struct plugin_call *call, cJSON **result, int *code, struct error *err)
{
	cleanup_json cJSON *previous = NULL;
	const cJSON *plugin;

	cJSON_ArrayForEach(plugin, call->conf->plugins) {
		cJSON *next = NULL;

		if (plugin_run(call, plugin, previous, &next, code, err) < 0)
			return -1;
		cJSON_Delete(previous);
		previous = next;
	}
	*result = steal_pointer(previous);
	return 0;
}

static int add_loopback(const struct network *network, const struct network_attachment *attachment, const char *netns,
			int *code, struct error *err)
{
	struct request none = { 0 };
	struct plugin_call call = call_of(network, &network->loopback, attachment, &none, "ADD", netns);
	cJSON *result = NULL;

	if (!network->loopback.plugins)
		return 0;
	call.ifname = "lo";
	if (run_add(&call, &result, code, err) < 0)
		return -1;
	cJSON_Delete(result);
	return 0;
}

/* What a failed ADD left behind. A failure here must not hide the first one. */
static void undo(struct plugin_call call, const struct network *network, const cJSON *result)
{
	struct error err = { 0 };
	char name[CACHE_NAME_SIZE];

	call.command = "DEL";
	if (run_del(&call, result, &err) < 0 ||
	    cache_name(call.conf->name, call.container_id, call.ifname, name, &err) < 0 ||
	    cache_remove(network->cache_dir, name, &err) < 0)
		log_warning("container '%s': undoing a failed network attachment failed too: %s", call.container_id,
			    err.message);
}

/* One whole try. */
static int try_add(const struct network *network, const struct network_attachment *attachment,
		   const struct request *request, const char *netns, char **address, int *code, struct error *err)
{
	struct plugin_call call = call_of(network, &network->conf, attachment, request, "ADD", netns);
	cleanup_json cJSON *result = NULL;
	bool is_before_0_4 = conf_version_before(call.conf->version, "0.4.0");

	*code = PLUGIN_CODE_NONE;
	if (add_loopback(network, attachment, netns, code, err) == 0 && run_add(&call, &result, code, err) == 0 &&
	    cache_write(network->cache_dir, call.conf, attachment, result, err) == 0 &&
	    (!address || result_address(result, address, err) == 0))
		return 0;
	undo(call, network, is_before_0_4 ? NULL : result);
	return -1;
}

/* The cache entry to detach with: of the file, else of the attachment, which may have outlived it.
 * NULL: none. */
static cJSON *cached_entry(const struct network *network, const struct network_attachment *attachment, const char *name)
{
	cleanup_text struct text text = { 0 };
	struct error ignored;
	cJSON *entry = NULL;

	if (cache_read(network->cache_dir, name, &text, &ignored) == 1)
		entry = cache_parse(text.data, text.length, &ignored);
	/* Names may hold hyphens, so two attachments can mean the same file. */
	if (entry && strcmp(json_text(entry, "containerId"), attachment->container_id) != 0) {
		cJSON_Delete(entry);
		entry = NULL;
	}
	if (!entry && attachment->cached)
		entry = cache_parse(attachment->cached, strlen(attachment->cached), &ignored);
	return entry;
}

/* The name that the file of the attachment has in the cache, or would have, by the network that it was made with. */
static int cached_name(const struct network *network, const struct network_attachment *attachment,
		       char name[static CACHE_NAME_SIZE], struct error *err)
{
	cleanup_json cJSON *entry = NULL;
	const char *network_name = network->conf.name;
	struct error ignored;

	if (attachment->cached)
		entry = cache_parse(attachment->cached, strlen(attachment->cached), &ignored);
	if (entry)
		network_name = cache_network(entry);
	return cache_name(network_name, attachment->container_id, attachment->ifname, name, err);
}

/* The result to detach with. From 0.4.0 on DEL gets one, as far as there is one. */
static cJSON *cached_result(const cJSON *entry, const struct conf *conf)
{
	const cJSON *result = cJSON_GetObjectItemCaseSensitive(entry, "result");
	struct error ignored;

	if (!result || conf_version_before(conf->version, "0.4.0"))
		return NULL;
	return result_as_version(result, conf->version, &ignored);
}

int network_del(const struct network *network, const struct network_attachment *attachment, const char *netns,
		struct error *err)
{
	cleanup_request struct request request = { 0 };
	cleanup_json cJSON *entry = NULL;
	cleanup_json cJSON *result = NULL;
	cleanup_conf struct conf own = { 0 };
	const struct conf *conf = &network->conf;
	struct plugin_call call;
	struct error ignored;
	struct stat st;
	char name[CACHE_NAME_SIZE];

	if (request_prepare(&request, attachment, err) < 0 || cached_name(network, attachment, name, err) < 0)
		return -1;
	entry = cached_entry(network, attachment, name);
	/* It is detached with the configuration that it was attached with: the present one may have changed since. */
	if (entry && cache_conf(entry, &own, &ignored) == 0 &&
	    plugin_find_all(network->plugin_path, &own, &ignored) == 0)
		conf = &own;
	result = cached_result(entry, conf);
	call = call_of(network, conf, attachment, &request, "DEL", netns && stat(netns, &st) == 0 ? netns : "");
	if (run_del(&call, result, err) < 0)
		return error_wrap(err, "network '%s'", conf->name);
	return cache_remove(network->cache_dir, name, err);
}

/* An attachment in the cache was never detached: an earlier run was killed, or its DEL failed.
 * Plugins refuse a second ADD on top of it. */
static void del_leftover(const struct network *network, const struct network_attachment *attachment, const char *netns)
{
	cleanup_text struct text text = { 0 };
	struct error err = { 0 };
	char name[CACHE_NAME_SIZE];

	if (cache_name(network->conf.name, attachment->container_id, attachment->ifname, name, &err) < 0 ||
	    cache_read(network->cache_dir, name, &text, &err) == 0)
		return;
	if (network_del(network, attachment, netns, &err) < 0)
		log_detail("container '%s': %s", attachment->container_id, err.message);
}

int network_add(const struct network *network, const struct network_attachment *attachment, const char *netns,
		char **address, struct error *err)
{
	cleanup_request struct request plain = { 0 };
	cleanup_request struct request asking = { 0 };
	int code;

	if (request_prepare(&plain, attachment, err) < 0 || request_prepare(&asking, attachment, err) < 0 ||
	    ask(&asking, &network->conf, attachment->address, err) < 0)
		return -1;
	del_leftover(network, attachment, netns);
	if (try_add(network, attachment, &asking, netns, address, &code, err) == 0)
		return 0;
	if (code == PLUGIN_CODE_TIMED_OUT)
		return error_wrap(err, "network '%s'", network->conf.name);
	log_detail("network '%s': %s; trying once more", network->conf.name, err->message);
	if (code == PLUGIN_CODE_TRY_AGAIN)
		clock_sleep_ms(TRY_AGAIN_AFTER_MS);
	if (try_add(network, attachment, &plain, netns, address, &code, err) < 0)
		return error_wrap(err, "network '%s'", network->conf.name);
	error_clear(err);
	return 0;
}
