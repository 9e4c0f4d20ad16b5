#include "network/network.h"

#include <string.h>

#include "base/cleanup.h"
#include "network/plugin.h"
#include "network/state.h"

#define CACHE_DIR "/var/lib/cni"
#define TIMEOUT_MS 60000

/* As go-cni has it, so that every user of libcni means the same by it. */
static const char loopback_conf[] =
	"{\"cniVersion\":\"0.3.1\",\"name\":\"cni-loopback\",\"plugins\":[{\"type\":\"loopback\"}]}";

void network_free(struct network *network)
{
	if (!network)
		return;
	free(network->plugin_path);
	free(network->cache_dir);
	conf_release(&network->conf);
	conf_release(&network->loopback);
	free(network);
}

const char *network_name(const struct network *network)
{
	return network->conf.name;
}

static int load_loopback(struct network *network, struct error *err)
{
	struct error ignored;
	cleanup_free char *file = plugin_find(network->plugin_path, "loopback", &ignored);

	return file ? conf_parse(loopback_conf, strlen(loopback_conf), "loopback", &network->loopback, err) : 0;
}

/* Plugins run with another folder of their own, and recovery runs anywhere. */
static int check_absolute(const char *folders, const char *what, struct error *err)
{
	for (const char *at = folders; *at;) {
		size_t length = strcspn(at, ":");

		if (length > 0 && *at != '/') {
			error_set(err, ERROR_USAGE, "'%.*s' is not an absolute path", (int)length, at);
			return error_hint(err, "%s", what);
		}
		at += length + (at[length] == ':');
	}
	return 0;
}

static int check_folders(const struct network_settings *settings, struct error *err)
{
	if (check_absolute(settings->plugin_path, "--cni-path and CNI_PATH name the folders of CNI plugins", err) < 0)
		return -1;
	if (*settings->conf_dir == '/')
		return 0;
	error_set(err, ERROR_USAGE, "'%s' is not an absolute path", settings->conf_dir);
	return error_hint(err, "--cni-conf-dir and NETCONFPATH name the folder of CNI configurations");
}

int network_load(const struct network_settings *settings, struct network **network, struct error *err)
{
	cleanup_network struct network *loaded = calloc(1, sizeof(*loaded));
	int found;

	*network = NULL;
	if (!loaded)
		return error_memory(err);
	if (check_folders(settings, err) < 0)
		return -1;
	found = conf_load(settings->conf_dir, &loaded->conf, err);
	if (found <= 0)
		return found;
	loaded->plugin_path = strdup(settings->plugin_path);
	loaded->cache_dir = strdup(settings->cache_dir ? settings->cache_dir : CACHE_DIR);
	loaded->timeout_ms = settings->timeout_ms ? settings->timeout_ms : TIMEOUT_MS;
	if (!loaded->plugin_path || !loaded->cache_dir)
		return error_memory(err);
	if (plugin_find_all(loaded->plugin_path, &loaded->conf, err) < 0 || load_loopback(loaded, err) < 0)
		return -1;
	*network = steal_pointer(loaded);
	return 1;
}
