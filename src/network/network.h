/*
 * CNI: attaches a task's network namespace to the networks that the host's CNI
 * configuration names, and detaches it (Container Network Interface Specification 1.1.0, and
 * 0.3.0 to 1.0.0 before it). Plugins are other programs' words: their time and output have limits.
 *
 * A `struct network` is the loaded configuration: read-only once loaded, so add and del may
 * be called from another thread than the one that loaded it.
 *
 * Errors: ERROR_USAGE for a configuration that is there and broken; ERROR_FAILED for a plugin that
 * failed, with its own code and words ("network 'web': plugin 'bridge' failed with code 11: …").
 */
#ifndef WSNAP_NETWORK_NETWORK_H
#define WSNAP_NETWORK_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct network_settings {
	const char *plugin_path; /* folders, colon separated */
	const char *conf_dir;
	const char *cache_dir; /* libcni's: NULL means /var/lib/cni */
	unsigned timeout_ms;   /* for one plugin run; 0: 60 s */
};

struct network;

/* Loads the first configuration by name in conf_dir (*.conf, *.conflist, *.json), as libcni does,
 * and checks that every plugin it names exists. 1 loaded, 0 no configuration or no such folder, -1 error. */
int network_load(const struct network_settings *settings, struct network **network, struct error *err);
void network_free(struct network *network);

static inline void network_cleanup_pointer(struct network **network)
{
	network_free(*network);
}

#define cleanup_network __attribute__((cleanup(network_cleanup_pointer)))

const char *network_name(const struct network *network);

/* One attachment: what a container id and an interface name have of a network. All members are
 * the struct's own memory, so that it can be kept in a saved record as JSON. */
struct network_attachment {
	char *container_id; /* CNI_CONTAINERID: as the maker of the attachment chose it */
	char *ifname;       /* eth0 */
	char *args;         /* CNI_ARGS as cached, or NULL */
	char *capabilities; /* JSON object of capability arguments (portMappings, …), or NULL */
	char *address;      /* the first address it had, with prefix length ("10.88.0.5/16"), or NULL */
	char *cached;       /* the libcni cache file's whole content, or NULL: DEL needs it after a reboot too */
};

void network_attachment_release(struct network_attachment *attachment);

#define cleanup_network_attachment __attribute__((cleanup(network_attachment_release)))

/* The interface of a fresh attachment. */
#define NETWORK_IFNAME "eth0"

/* Looks in libcni's cache for what this network holds for a container, under any of the ids
 * given (a plain container id, "namespace-id" as `ctr run --cni` writes it). Without an entry the
 * attachment is a fresh one for ids[0] and eth0. 1 cached, 0 fresh, -1 error. */
int network_find(const struct network *network, const char *const *ids, size_t count,
		 struct network_attachment *attachment, struct error *err);

/* The attachment as JSON text (caller frees), and back. */
char *network_attachment_print(const struct network_attachment *attachment, struct error *err);
int network_attachment_parse(const char *json, struct network_attachment *attachment, struct error *err);

/*
 * ADD: what the cache says is still attached goes first, then loopback comes up, then the plugins run
 * in order, each with the result of the one before. Asks for the address in attachment->address
 * (capability `ips` where a plugin declares it, otherwise CNI_ARGS "IP=" with IgnoreUnknown). If that ADD
 * fails: DEL and one more ADD, without asking; a plugin that hung is not given the time again.
 * Writes libcni's cache file. On success *address (if not NULL) is the address it got, which the caller
 * frees. On failure what the plugins did is undone by DEL. ERROR_FAILED; ERROR_USAGE for an id or interface
 * that may not stand in a file name. `netns` is a path that other processes can open, like /proc/PID/ns/net.
 */
int network_add(const struct network *network, const struct network_attachment *attachment, const char *netns,
		char **address, struct error *err);

/* DEL in reverse order with the cached configuration and result (of the cache file, else of the
 * attachment), then the cache file goes. A plugin that fails is tried a second time; if it fails again the
 * others are run nevertheless, and the file stays. `netns` may be NULL or of a namespace that is gone.
 * Nothing attached is no error. Loopback goes with its namespace. */
int network_del(const struct network *network, const struct network_attachment *attachment, const char *netns,
		struct error *err);

/* Every attachment in libcni's cache for this network (for doctor). `each` returns -1 to stop. */
typedef int (*network_each)(const struct network_attachment *attachment, void *context, struct error *err);
int network_cached_each(const struct network *network, network_each each, void *context, struct error *err);

#endif
