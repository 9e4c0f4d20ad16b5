#include "network/cache.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "network/base64.h"
#include "network/result.h"

#define KIND "cniCacheV1"

int cache_name(const char *network, const char *container_id, const char *ifname, char name[static CACHE_NAME_SIZE],
	       struct error *err)
{
	int length;

	if (!conf_name_is_valid(network))
		return error_set(err, ERROR_USAGE, "'%s' cannot be the name of a network", network);
	if (!conf_name_is_valid(container_id))
		return error_set(err, ERROR_USAGE, "'%s' cannot be a container id for a network", container_id);
	if (!conf_ifname_is_valid(ifname))
		return error_set(err, ERROR_USAGE, "'%s' cannot be the name of a network interface", ifname);
	length = snprintf(name, CACHE_NAME_SIZE, "%s-%s-%s", network, container_id, ifname);
	/* Room for the ending of the temporary file. */
	if (length < 0 || length > NAME_MAX - 8)
		return error_set(err, ERROR_USAGE, "'%s' and '%s' are too long for a file name together", network,
				 container_id);
	return 0;
}

/* The folder as a descriptor; -1 with errno. */
static int open_results(const char *cache_dir)
{
	cleanup_free char *path = text_format("%s/results", cache_dir);

	return path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int cache_read(const char *cache_dir, const char *name, struct text *text, struct error *err)
{
	cleanup_fd int dir = open_results(cache_dir);
	int got;

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "the network cache in '%s' cannot be opened", cache_dir);
	got = file_read(dir, name, CACHE_LIMIT, text, err);
	return got < 0 ? error_wrap(err, "the network cache in '%s'", cache_dir) : !got;
}

static bool is_valid(const cJSON *entry)
{
	const char *kind = json_text(entry, "kind");
	const char *container_id = json_text(entry, "containerId");
	const char *ifname = json_text(entry, "ifName");
	const char *network = json_text(entry, "networkName");

	return kind && strcmp(kind, KIND) == 0 && container_id && conf_name_is_valid(container_id) && ifname &&
	       conf_ifname_is_valid(ifname) && network && conf_name_is_valid(network);
}

cJSON *cache_parse(const char *bytes, size_t length, struct error *err)
{
	cleanup_json cJSON *entry = json_parse(bytes, length, "the cached attachment", err);

	if (!entry)
		return NULL;
	if (!is_valid(entry)) {
		error_set(err, ERROR_FAILED, "the cached attachment is not of the kind " KIND);
		return NULL;
	}
	return steal_pointer(entry);
}

const char *cache_network(const cJSON *entry)
{
	return json_text(entry, "networkName");
}

int cache_conf(const cJSON *entry, struct conf *conf, struct error *err)
{
	cleanup_text struct text text = { 0 };
	const char *encoded = json_text(entry, "config");
	cleanup_conf struct conf read = { 0 };

	if (!encoded || base64_decode(encoded, &text) < 0)
		return error_set(err, ERROR_FAILED, "the cached attachment has no configuration");
	if (conf_parse(text.data, text.length, "cached", &read, err) < 0)
		return -1;
	if (strcmp(read.name, cache_network(entry)) != 0)
		return error_set(err, ERROR_FAILED, "the cached configuration is of another network");
	*conf = read;
	read = (struct conf){ 0 };
	return 0;
}

/* CNI_ARGS from its pairs. An entry without pairs has none: *args stays NULL. */
static int join_args(const cJSON *pairs, char **args, struct error *err)
{
	cleanup_text struct text text = { .limit = 64 << 10 };
	const cJSON *pair;

	cJSON_ArrayForEach(pair, pairs) {
		const char *key = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0));
		const char *value = cJSON_GetStringValue(cJSON_GetArrayItem(pair, 1));

		if (key && value && !text_has_control(key) && !text_has_control(value))
			text_printf(&text, "%s%s=%s", text.length ? ";" : "", key, value);
	}
	if (!text.length)
		return 0;
	*args = text_steal(&text);
	return *args ? 0 : error_memory(err);
}

/* The opposite, for the file: pairs from CNI_ARGS. */
static cJSON *split_args(const char *args)
{
	cleanup_json cJSON *pairs = cJSON_CreateArray();

	for (const char *at = args; *at;) {
		size_t length = strcspn(at, ";");
		size_t key_length = strcspn(at, "=;");
		size_t value_at = key_length < length ? key_length + 1 : length;
		cleanup_free char *key = strndup(at, key_length);
		cleanup_free char *value = strndup(at + value_at, length - value_at);
		const char *const both[] = { key, value };
		cJSON *pair = key && value ? cJSON_CreateStringArray(both, 2) : NULL;

		if (!cJSON_AddItemToArray(pairs, pair)) {
			cJSON_Delete(pair);
			return NULL;
		}
		at += length + (at[length] == ';');
	}
	return steal_pointer(pairs);
}

static int fill_attachment(const cJSON *entry, const char *bytes, struct network_attachment *attachment,
			   struct error *err)
{
	const cJSON *capabilities = cJSON_GetObjectItemCaseSensitive(entry, "capabilityArgs");

	attachment->container_id = strdup(json_text(entry, "containerId"));
	attachment->ifname = strdup(json_text(entry, "ifName"));
	attachment->cached = strdup(bytes);
	if (!attachment->container_id || !attachment->ifname || !attachment->cached)
		return error_memory(err);
	if (cJSON_IsObject(capabilities) && capabilities->child) {
		attachment->capabilities = json_print(capabilities, err);
		if (!attachment->capabilities)
			return -1;
	}
	if (join_args(cJSON_GetObjectItemCaseSensitive(entry, "cniArgs"), &attachment->args, err) < 0)
		return -1;
	return result_address(cJSON_GetObjectItemCaseSensitive(entry, "result"), &attachment->address, err);
}

int cache_attachment(const cJSON *entry, const char *bytes, struct network_attachment *attachment, struct error *err)
{
	*attachment = (struct network_attachment){ 0 };
	if (fill_attachment(entry, bytes, attachment, err) == 0)
		return 0;
	network_attachment_release(attachment);
	return -1;
}

static bool add_optional(cJSON *entry, const struct network_attachment *attachment)
{
	if (attachment->args && *attachment->args &&
	    !cJSON_AddItemToObject(entry, "cniArgs", split_args(attachment->args)))
		return false;
	return !attachment->capabilities || cJSON_AddRawToObject(entry, "capabilityArgs", attachment->capabilities);
}

/* The members in libcni's order; the caller frees the text. */
static char *print_entry(const struct conf *conf, const struct network_attachment *attachment, const cJSON *result,
			 struct error *err)
{
	cleanup_json cJSON *entry = cJSON_CreateObject();
	cleanup_text struct text config = { 0 };

	base64_encode(conf->bytes, strlen(conf->bytes), &config);
	if (config.failed || !cJSON_AddStringToObject(entry, "kind", KIND) ||
	    !cJSON_AddStringToObject(entry, "containerId", attachment->container_id) ||
	    !cJSON_AddStringToObject(entry, "config", config.data) ||
	    !cJSON_AddStringToObject(entry, "ifName", attachment->ifname) ||
	    !cJSON_AddStringToObject(entry, "networkName", conf->name) || !add_optional(entry, attachment) ||
	    !cJSON_AddItemToObject(entry, "result", cJSON_Duplicate(result, 1))) {
		error_memory(err);
		return NULL;
	}
	return json_print(entry, err);
}

int cache_write(const char *cache_dir, const struct conf *conf, const struct network_attachment *attachment,
		const cJSON *result, struct error *err)
{
	cleanup_free char *path = text_format("%s/results", cache_dir);
	cleanup_free char *bytes = print_entry(conf, attachment, result, err);
	char name[CACHE_NAME_SIZE];
	cleanup_fd int dir = -1;

	if (!bytes || cache_name(conf->name, attachment->container_id, attachment->ifname, name, err) < 0)
		return -1;
	if (!path)
		return error_memory(err);
	dir = file_open_directory(path, 0700, err);
	if (dir < 0)
		return -1;
	return file_replace(dir, name, 0600, bytes, strlen(bytes), err);
}

int cache_remove(const char *cache_dir, const char *name, struct error *err)
{
	cleanup_fd int dir = open_results(cache_dir);

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (dir < 0)
		return error_errno(err, ERROR_FAILED, errno, "the network cache in '%s' cannot be opened", cache_dir);
	return file_remove(dir, name, err);
}

/* Looks at one file of the folder. One that is broken, or goes away meanwhile, is passed over. */
static int visit(int dir, const char *file, cache_each_entry each, void *context, struct error *err)
{
	cleanup_text struct text text = { 0 };
	cleanup_json cJSON *entry = NULL;
	char name[CACHE_NAME_SIZE];
	struct error ignored;

	if (file_read(dir, file, CACHE_LIMIT, &text, &ignored))
		return 0;
	entry = cache_parse(text.data, text.length, &ignored);
	if (!entry ||
	    cache_name(cache_network(entry), json_text(entry, "containerId"), json_text(entry, "ifName"), name,
		       &ignored) < 0 ||
	    strcmp(name, file) != 0)
		return 0;
	return each(entry, text.data, context, err);
}

int cache_each(const char *cache_dir, const char *part, cache_each_entry each, void *context, struct error *err)
{
	cleanup_free char *path = text_format("%s/results", cache_dir);
	cleanup_dir DIR *folder = path ? opendir(path) : NULL;
	const struct dirent *entry;

	if (!folder && path && errno == ENOENT)
		return 0;
	if (!folder)
		return error_errno(err, ERROR_FAILED, errno, "the network cache in '%s' cannot be read", cache_dir);
	while ((entry = readdir(folder))) {
		int stop = 0;

		if (strstr(entry->d_name, part))
			stop = visit(dirfd(folder), entry->d_name, each, context, err);
		if (stop)
			return stop;
	}
	return 0;
}
