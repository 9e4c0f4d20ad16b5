/*
 * What a run was told: global options, environment, configuration file, defaults,
 * already put together (a flag beats the environment, which beats the file, which
 * beats the default). Made by main, read by everybody. The strings belong to it.
 */
#ifndef WSNAP_BASE_SETTINGS_H
#define WSNAP_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/keep_rules.h"
#include "base/options.h"

/* Who gets CNI networks again. */
enum settings_network {
	NETWORK_NONE,
	NETWORK_AUTO,   /* who had one, and the workspace server's own */
	NETWORK_ATTACH, /* everybody with a network namespace of its own */
};

struct settings {
	char *address; /* containerd's socket, without unix:// */
	char *namespace;
	char *database;  /* conninfo, NULL: libpq's defaults */
	char *schema;    /* of the tables, NULL: where search_path leads; only in the file */
	char *state_dir; /* absolute */
	char *cni_path;  /* folders, colon separated */
	char *cni_conf_dir;
	unsigned cni_timeout_s; /* for one run of a CNI plugin; only in the file */
	char *cdi_dirs;         /* folders, colon separated, later ones win; only in the file */
	unsigned wait_s;
	unsigned stop_timeout_s;
	enum settings_network network;
	bool json;
	bool format_given; /* by a flag, which any other form that a flag asks for must go with */
	bool quiet;
	bool verbose;
	bool no_hooks;           /* --no-hooks */
	char *hooks_dir;         /* only in the file */
	unsigned hook_timeout_s; /* for each hook; only in the file */
	bool force;              /* --force: insist where safety refuses */
	char *note;              /* --note: what the operation is for; NULL: not said */

	bool mode_live;        /* mode: create and version let the workspace run */
	int max_depth;         /* layers of ours under a workspace before they are merged: 64 */
	int warn_depth;        /* warn from this number of layers under a workspace on, 0: never (400) */
	int warn_versions;     /* warn from this number of versions on, 0: never (1,000) */
	int warn_free_percent; /* warn when less of the filesystem is free, bytes or inodes (10) */
	struct keep_rules keep;

	/* for main alone */
	char *config_file; /* NULL: the default one, if it exists */
	bool show_help;
	bool show_version;
};

/* The global options, and with them the environment and the keys of the configuration file. */
extern const struct option_spec settings_options[];

/*
 * Zeroed settings → defaults, configuration file, environment, and what of `given` is a global option. ERROR_USAGE for
 * whatever is wrong in them; even then the output format is the one that was asked for, and settings_release() is
 * due. With --help or --version the configuration file is not read.
 */
int settings_load(struct settings *settings, const struct options_given *given, struct error *err);
void settings_release(struct settings *settings);

#define cleanup_settings __attribute__((cleanup(settings_release)))

#endif
