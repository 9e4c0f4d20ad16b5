/* One run of one plugin (CNI Specification 1.1.0, sections 2 and 5): found, given its configuration,
 * understood. */
#ifndef WSNAP_NETWORK_PLUGIN_H
#define WSNAP_NETWORK_PLUGIN_H

#include "base/error.h"
#include "base/json.h"
#include "network/conf.h"

/* What all runs for one attachment have in common. Borrows everything. */
struct plugin_call {
	const char *command; /* "ADD" or "DEL" */
	const char *path;    /* folders, colon separated */
	unsigned timeout_ms; /* for each plugin */
	const struct conf *conf;
	const char *container_id;
	const char *ifname;
	const char *netns;         /* "" where there is none */
	const char *args;          /* CNI_ARGS, or NULL */
	const cJSON *capabilities; /* object of capability arguments, or NULL */
};

/* How a run failed, beside the words in the error. */
enum {
	PLUGIN_CODE_NONE = 0,       /* it gave no code of its own */
	PLUGIN_CODE_TRY_AGAIN = 11, /* the specification's "try again later" */
	PLUGIN_CODE_TIMED_OUT = -1, /* it was killed */
};

/* The file of a plugin: the first regular one in the path's folders. The caller frees it.
 * NULL with ERROR_USAGE: nowhere. */
char *plugin_find(const char *path, const char *type, struct error *err);

/* Whether all that a list names are there, those that give addresses included. -1: ERROR_USAGE. */
int plugin_find_all(const char *path, const struct conf *conf, struct error *err);

/* Runs the plugin with `previous` as prevResult (or NULL). After ADD, *result is its result in the
 * configuration's version, which the caller deletes; on DEL `result` is not used.
 * -1: ERROR_FAILED, and *code says how. */
int plugin_run(const struct plugin_call *call, const cJSON *plugin, const cJSON *previous, cJSON **result, int *code,
	       struct error *err);

#endif
