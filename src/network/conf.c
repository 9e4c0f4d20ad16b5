#include "network/conf.h"

#include <ctype.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#define CONF_LIMIT ((size_t)2 << 20) /* bytes; go-cni's limit */
#define PLUGINS_LIMIT 64
#define NAME_LIMIT 200 /* bytes; what goes into a file name together is checked there */

/* Oldest first. */
static const char *const versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0" };

static int version_index(const char *version)
{
	for (int i = 0; version && i < (int)(sizeof(versions) / sizeof(versions[0])); i++)
		if (strcmp(version, versions[i]) == 0)
			return i;
	return -1;
}

bool conf_version_known(const char *version)
{
	return version_index(version) >= 0;
}

bool conf_version_before(const char *version, const char *other)
{
	return version_index(version) < version_index(other);
}

bool conf_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > NAME_LIMIT || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_.-", name[i]))
			return false;
	return true;
}

bool conf_ifname_is_valid(const char *ifname)
{
	size_t length = strlen(ifname);

	if (length == 0 || length >= IF_NAMESIZE || strcmp(ifname, ".") == 0 || strcmp(ifname, "..") == 0)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)ifname[i]) || strchr("/:", ifname[i]))
			return false;
	return true;
}

const char *conf_plugin_type(const cJSON *plugin)
{
	return json_text(plugin, "type");
}

const char *conf_plugin_ipam(const cJSON *plugin)
{
	const char *type = json_text(cJSON_GetObjectItemCaseSensitive(plugin, "ipam"), "type");

	return type && *type ? type : NULL;
}

bool conf_plugin_can(const cJSON *plugin, const char *capability)
{
	return json_true(cJSON_GetObjectItemCaseSensitive(plugin, "capabilities"), capability);
}

void conf_release(struct conf *conf)
{
	cJSON_Delete(conf->document);
	free(conf->bytes);
	*conf = (struct conf){ 0 };
}

static int broken(struct error *err, const char *what, const char *why)
{
	return error_set(err, ERROR_USAGE, "network configuration '%s' %s", what, why);
}

/* The newest version of ours among `cniVersion` and, since 1.1.0, `cniVersions`. */
static int choose_version(struct conf *conf, const char *what, struct error *err)
{
	const char *named = json_text(conf->document, "cniVersion");
	const cJSON *item;
	int best = version_index(named);

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(conf->document, "cniVersions")) {
		int index = version_index(cJSON_GetStringValue(item));

		best = index > best ? index : best;
	}
	if (best < 0) {
		error_set(err, ERROR_USAGE, "network configuration '%s' has cniVersion '%s', which is not supported",
			  what, named ? named : "");
		return error_hint(err, "0.3.0, 0.3.1, 0.4.0, 1.0.0 and 1.1.0 are");
	}
	conf->version = versions[best];
	return 0;
}

static bool is_file_name(const char *type)
{
	return *type && !strchr(type, '/') && strcmp(type, ".") != 0 && strcmp(type, "..") != 0;
}

static int check_plugins(const struct conf *conf, const char *what, struct error *err)
{
	const cJSON *plugin;
	int count = cJSON_GetArraySize(conf->plugins);

	if (!cJSON_IsArray(conf->plugins) || count == 0)
		return broken(err, what, "has no plugins");
	if (count > PLUGINS_LIMIT)
		return broken(err, what, "has too many plugins");
	cJSON_ArrayForEach(plugin, conf->plugins) {
		const char *type = json_text(plugin, "type");
		const char *ipam = conf_plugin_ipam(plugin);

		if (!type)
			return broken(err, what, "has a plugin without a type");
		if (!is_file_name(type) || (ipam && !is_file_name(ipam)))
			return error_set(err, ERROR_USAGE,
					 "network configuration '%s' has a plugin type '%s' that is no file name", what,
					 is_file_name(type) ? ipam : type);
	}
	return 0;
}

/* A list around one plugin's configuration, as libcni makes it. */
static cJSON *list_around(cJSON *single, struct error *err)
{
	cleanup_json cJSON *list = cJSON_CreateObject();
	const char *version = json_text(single, "cniVersion");
	const char *name = json_text(single, "name");
	cJSON *versions_of_single;
	cJSON *plugins;

	if ((version && !cJSON_AddStringToObject(list, "cniVersion", version)) ||
	    (name && !cJSON_AddStringToObject(list, "name", name)))
		goto failed;
	versions_of_single = cJSON_DetachItemFromObjectCaseSensitive(single, "cniVersions");
	if (versions_of_single && !cJSON_AddItemToObject(list, "cniVersions", versions_of_single))
		goto failed;
	plugins = cJSON_AddArrayToObject(list, "plugins");
	if (!plugins || !cJSON_AddItemToArray(plugins, single))
		goto failed;
	return steal_pointer(list);
failed:
	cJSON_Delete(single);
	error_memory(err);
	return NULL;
}

/* Reads the document and its text: `bytes` as they are for a list, else those of the list around. */
static int read_document(const char *bytes, size_t length, const char *what, struct conf *conf, struct error *err)
{
	cleanup_json cJSON *document = json_parse(bytes, length, "network configuration", err);

	if (!document)
		return error_set(err, ERROR_USAGE, "network configuration '%s' is not JSON", what);
	if (!cJSON_IsObject(document))
		return broken(err, what, "is not a JSON object");
	if (cJSON_HasObjectItem(document, "plugins")) {
		conf->document = steal_pointer(document);
		conf->bytes = strndup(bytes, length);
		return conf->bytes ? 0 : error_memory(err);
	}
	if (!json_text(document, "type"))
		return broken(err, what, "names neither a plugin nor a list of plugins");
	conf->document = list_around(steal_pointer(document), err);
	if (!conf->document)
		return -1;
	conf->bytes = json_print(conf->document, err);
	return conf->bytes ? 0 : -1;
}

int conf_parse(const char *bytes, size_t length, const char *what, struct conf *conf, struct error *err)
{
	cleanup_conf struct conf read = { 0 };

	if (read_document(bytes, length, what, &read, err) < 0)
		return -1;
	read.name = json_text(read.document, "name");
	read.plugins = cJSON_GetObjectItemCaseSensitive(read.document, "plugins");
	if (!read.name || !conf_name_is_valid(read.name))
		return broken(err, what, "has no valid name");
	if (choose_version(&read, what, err) < 0 || check_plugins(&read, what, err) < 0)
		return -1;
	*conf = read;
	read = (struct conf){ 0 };
	return 0;
}

static bool is_folder(DIR *folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(folder), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static bool has_extension(const char *name)
{
	const char *extension = strrchr(name, '.');

	return extension && (strcmp(extension, ".conf") == 0 || strcmp(extension, ".conflist") == 0 ||
			     strcmp(extension, ".json") == 0);
}

/* 1 with the first name, which the caller frees; 0 none; -1 out of memory. */
static int first_name(DIR *folder, char **first, struct error *err)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		if (!has_extension(entry->d_name) || is_folder(folder, entry) ||
		    (*first && strcmp(entry->d_name, *first) >= 0))
			continue;
		free(*first);
		*first = strdup(entry->d_name);
		if (!*first)
			return error_memory(err);
	}
	return *first ? 1 : 0;
}

int conf_load(const char *folder, struct conf *conf, struct error *err)
{
	cleanup_dir DIR *dir = opendir(folder);
	cleanup_text struct text text = { 0 };
	cleanup_free char *path = NULL;
	cleanup_free char *name = NULL;
	int found;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return error_errno(err, ERROR_USAGE, errno, "the folder '%s' of network configurations cannot be read",
				   folder);
	found = first_name(dir, &name, err);
	if (found <= 0)
		return found;
	path = text_format("%s/%s", folder, name);
	if (!path)
		return error_memory(err);
	found = file_read_linked(dirfd(dir), name, CONF_LIMIT, &text, err);
	if (found) {
		if (found > 0)
			error_set(err, ERROR_USAGE, "it is not there");
		err->kind = ERROR_USAGE;
		return error_wrap(err, "network configuration '%s'", path);
	}
	if (conf_parse(text.data, text.length, path, conf, err) < 0)
		return -1;
	return 1;
}
