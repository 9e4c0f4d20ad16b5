/*
 * Network configurations (CNI Specification 1.1.0, section 1): which file of a
 * folder counts, and what is read of it. A configuration of one plugin is put in a list.
 */
#ifndef WSNAP_NETWORK_CONF_H
#define WSNAP_NETWORK_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

struct conf {
	cJSON *document;      /* owns all below but bytes */
	char *bytes;          /* the list as text: what libcni's cache keeps */
	const char *name;     /* safe in a file name */
	const char *version;  /* one that conf_version_known() */
	const cJSON *plugins; /* 1 to 64 objects, each with a safe `type` */
};

void conf_release(struct conf *conf);

#define cleanup_conf __attribute__((cleanup(conf_release)))

/* Reads a configuration list, or one plugin's configuration. `what` names it in errors (ERROR_USAGE). */
int conf_parse(const char *bytes, size_t length, const char *what, struct conf *conf, struct error *err);

/* The first by name of *.conf, *.conflist and *.json in the folder. 1 loaded, 0 none or no such folder. */
int conf_load(const char *folder, struct conf *conf, struct error *err);

/* The type of a plugin; never NULL in a parsed configuration. */
const char *conf_plugin_type(const cJSON *plugin);

/* The type of the plugin that it hands the choice of addresses over to, or NULL. */
const char *conf_plugin_ipam(const cJSON *plugin);

/* Whether a plugin declares a capability (CNI conventions, `capabilities`). */
bool conf_plugin_can(const cJSON *plugin, const char *capability);

/* Whether a version of the specification is one of ours, and whether one is older than another (both ours). */
bool conf_version_known(const char *version);
bool conf_version_before(const char *version, const char *other);

/* What the specification allows as a network's name and as a container id. */
bool conf_name_is_valid(const char *name);

/* What Linux and the plugins allow as an interface name: 1 to 15 bytes. */
bool conf_ifname_is_valid(const char *ifname);

#endif
