/* The loaded configuration, as the files of this folder see it. Read-only after network_load(). */
#ifndef WSNAP_NETWORK_STATE_H
#define WSNAP_NETWORK_STATE_H

#include "network/conf.h"

struct network {
	char *plugin_path;
	char *cache_dir;
	unsigned timeout_ms;
	struct conf conf;
	struct conf loopback; /* without plugins where the host has no loopback plugin */
};

#endif
