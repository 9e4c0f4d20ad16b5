#include "base/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"
#include "base/text.h"

#define DEFAULT_CONFIG_FILE "/etc/wsnap/wsnap.conf"
#define UNIX_SCHEME "unix://"

static int check_address(const char *text, struct error *err)
{
	if (text_starts_with(text, UNIX_SCHEME))
		text += strlen(UNIX_SCHEME);
	return *text == '/' ? 0 : error_set(err, ERROR_USAGE, "not the absolute path of a socket");
}

static int check_namespace(const char *text, struct error *err)
{
	if (text_is_identifier(text))
		return 0;
	return error_set(err, ERROR_USAGE,
			 "not a name that containerd takes (1 to 76 letters and digits, "
			 "single '.', '_' or '-' between)");
}

static int check_absolute(const char *text, struct error *err)
{
	return *text == '/' ? 0 : error_set(err, ERROR_USAGE, "not an absolute path");
}

#define NOTE_MAX_BYTES 1024

/* It is shown on terminals, and kept as a label. */
static int check_note(const char *text, struct error *err)
{
	if (!text_is_utf8(text, strlen(text)))
		return error_set(err, ERROR_USAGE, "it is not UTF-8");
	if (strlen(text) > NOTE_MAX_BYTES)
		return error_set(err, ERROR_USAGE, "longer than %d bytes", NOTE_MAX_BYTES);
	return option_check_not_empty(text, err);
}

static int check_schema(const char *text, struct error *err)
{
	if (strlen(text) > 63 || strchr(text, '"') || text_has_control(text))
		return error_set(err, ERROR_USAGE, "not the name of a schema (at most 63 bytes, without '\"')");
	return option_check_not_empty(text, err);
}

static int set_network(const char *text, void *field, struct error *err)
{
	static const char *const words[] = {
		[NETWORK_NONE] = "none",
		[NETWORK_AUTO] = "auto",
		[NETWORK_ATTACH] = "attach",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		*(enum settings_network *)field = (enum settings_network)i;
		return 0;
	}
	return error_set(err, ERROR_USAGE, "neither auto nor attach nor none");
}

static int set_format(const char *text, void *field, struct error *err)
{
	if (strcmp(text, "table") != 0 && strcmp(text, "json") != 0)
		return error_set(err, ERROR_USAGE, "neither table nor json");
	*(bool *)field = strcmp(text, "json") == 0;
	return 0;
}

static int set_mode(const char *text, void *field, struct error *err)
{
	if (strcmp(text, "stop") != 0 && strcmp(text, "live") != 0)
		return error_set(err, ERROR_USAGE, "neither stop nor live");
	*(bool *)field = strcmp(text, "live") == 0;
	return 0;
}

#define FIELD(name) .offset = offsetof(struct settings, name)
#define CONFIGURATION_NUMBER(name, field, from, to, default_text)                                             \
	{                                                                                                     \
		.type = OPTION_NUMBER, .key = name, .otherwise = default_text, FIELD(field), .minimum = from, \
		.maximum = to                                                                                 \
	}

#define SETTINGS_KEEP(rule, help) KEEP_KEY(settings, rule),

const struct option_spec settings_options[] = {
	{ .type = OPTION_TEXT,
	  .letter = 'a',
	  .name = "address",
	  .argument = "SOCKET",
	  FIELD(address),
	  .environment = "CONTAINERD_ADDRESS",
	  .key = "address",
	  .check = check_address,
	  .otherwise = "/run/containerd/containerd.sock",
	  .help = "containerd's socket" },
	{ .type = OPTION_TEXT,
	  .letter = 'n',
	  .name = "namespace",
	  .argument = "NAME",
	  FIELD(namespace),
	  .environment = "CONTAINERD_NAMESPACE",
	  .key = "namespace",
	  .check = check_namespace,
	  .otherwise = "default",
	  .help = "containerd's namespace" },
	{ .type = OPTION_TEXT,
	  .letter = 'd',
	  .name = "database",
	  .argument = "CONNINFO",
	  FIELD(database),
	  .environment = "WSNAP_DATABASE",
	  .key = "database",
	  .secret = true,
	  .help = "Postgres, as libpq's connection string or URI" },
	{ .type = OPTION_TEXT,
	  .letter = 'c',
	  .name = "config",
	  .argument = "FILE",
	  FIELD(config_file),
	  .environment = "WSNAP_CONFIG",
	  .check = option_check_not_empty,
	  .help = "configuration file instead of " DEFAULT_CONFIG_FILE },
	{ .type = OPTION_TEXT,
	  .name = "state-dir",
	  .argument = "DIR",
	  FIELD(state_dir),
	  .environment = "WSNAP_STATE_DIR",
	  .key = "state_dir",
	  .check = check_absolute,
	  .otherwise = "/var/lib/wsnap",
	  .help = "records of running operations" },
	{ .type = OPTION_NUMBER,
	  .letter = 'w',
	  .name = "wait",
	  .argument = "SECONDS",
	  FIELD(wait_s),
	  .key = "wait",
	  .maximum = 86400,
	  .otherwise = "60",
	  .help = "how long to wait for another run on the workspace" },
	{ .type = OPTION_NUMBER,
	  .letter = 't',
	  .name = "stop-timeout",
	  .argument = "SECONDS",
	  FIELD(stop_timeout_s),
	  .key = "stop_timeout",
	  .maximum = 3600,
	  .otherwise = "10",
	  .help = "how long to wait for the end of the process before SIGKILL" },
	{ .type = OPTION_OTHER,
	  .name = "network",
	  .argument = "auto|attach|none",
	  FIELD(network),
	  .key = "network",
	  .set = set_network,
	  .otherwise = "auto",
	  .help = "whether to attach CNI networks again" },
	{ .type = OPTION_TEXT,
	  .name = "cni-path",
	  .argument = "DIRS",
	  FIELD(cni_path),
	  .environment = "CNI_PATH",
	  .key = "cni_path",
	  .check = option_check_not_empty,
	  .otherwise = "/opt/cni/bin:/usr/lib/cni",
	  .help = "folders of CNI plugins" },
	{ .type = OPTION_TEXT,
	  .name = "cni-conf-dir",
	  .argument = "DIR",
	  FIELD(cni_conf_dir),
	  .environment = "NETCONFPATH",
	  .key = "cni_conf_dir",
	  .check = option_check_not_empty,
	  .otherwise = "/etc/cni/net.d",
	  .help = "folder of CNI configurations" },
	{ .type = OPTION_TEXT, FIELD(schema), .key = "schema", .check = check_schema },
	{ .type = OPTION_TEXT,
	  FIELD(cdi_dirs),
	  .key = "cdi_dirs",
	  .check = option_check_not_empty,
	  .otherwise = "/etc/cdi:/var/run/cdi" },
	{ .type = OPTION_OTHER,
	  .name = "format",
	  .argument = "table|json",
	  FIELD(json),
	  .key = "format",
	  .set = set_format,
	  .otherwise = "table",
	  .help = "how results and errors are written" },
	{ .type = OPTION_FLAG, .name = "json", FIELD(json), .help = "the same as --format json" },
	{ .type = OPTION_FLAG, .letter = 'q', .name = "quiet", FIELD(quiet), .help = "print only what a script needs" },
	{ .type = OPTION_FLAG,
	  .letter = 'v',
	  .name = "verbose",
	  FIELD(verbose),
	  .help = "steps and their milliseconds, on standard error" },
	{ .type = OPTION_TEXT,
	  FIELD(hooks_dir),
	  .key = "hooks_dir",
	  .check = option_check_not_empty,
	  .otherwise = "/etc/wsnap/hooks.d" },
	{ .type = OPTION_NUMBER,
	  FIELD(hook_timeout_s),
	  .key = "hook_timeout",
	  .otherwise = "60",
	  .minimum = 1,
	  .maximum = 86400 },
	{ .type = OPTION_FLAG, .name = "no-hooks", FIELD(no_hooks), .help = "run no hooks" },
	{ .type = OPTION_FLAG, .name = "force", FIELD(force), .help = "do it although safety says no" },
	{ .type = OPTION_TEXT,
	  .name = "note",
	  .argument = "TEXT",
	  FIELD(note),
	  .check = check_note,
	  .help = "what the operation is for, kept with its events" },
	{ .type = OPTION_FLAG, .name = "version", FIELD(show_version), .help = "print the version of wsnap" },
	{ .type = OPTION_FLAG, .letter = 'h', .name = "help", FIELD(show_help), .help = "print this help" },
	{ .type = OPTION_OTHER, .key = "mode", FIELD(mode_live), .set = set_mode, .otherwise = "stop" },
	CONFIGURATION_NUMBER("cni_timeout", cni_timeout_s, 1, 3600, "60"),
	CONFIGURATION_NUMBER("max_depth", max_depth, 2, 400, "64"),
	CONFIGURATION_NUMBER("warn_depth", warn_depth, 0, 500, "400"),
	CONFIGURATION_NUMBER("warn_versions", warn_versions, 0, INT_MAX, "1000"),
	CONFIGURATION_NUMBER("warn_free_percent", warn_free_percent, 0, 100, "10"),
	KEEP_RULES(SETTINGS_KEEP){
		.type = OPTION_OTHER, .key = "keep_within", FIELD(keep.within), .set = option_set_duration },
	{ .type = OPTION_END },
};

#define SETTINGS_COUNT (sizeof(settings_options) / sizeof(*settings_options))

static int read_configuration(const struct option_spec *table, struct settings *settings, struct error *err)
{
	const char *named = settings->config_file;

	if (!named) {
		named = getenv("WSNAP_CONFIG");
		if (named && !*named)
			named = NULL;
	}
	return config_read(named ? named : DEFAULT_CONFIG_FILE, named != NULL, table, settings, err);
}

static bool table_has(const struct option_spec *spec)
{
	return spec >= settings_options && spec < settings_options + SETTINGS_COUNT;
}

static bool gives_format(const struct options_given *given)
{
	for (size_t i = 0; i < given->count; i++)
		if (strcmp(given->items[i].spec->name, "format") == 0 ||
		    strcmp(given->items[i].spec->name, "json") == 0)
			return true;
	return false;
}

/* The address as the header promises it. */
static void drop_scheme(char *address)
{
	size_t scheme = strlen(UNIX_SCHEME);

	if (address && text_starts_with(address, UNIX_SCHEME))
		memmove(address, address + scheme, strlen(address) - scheme + 1);
}

/* Options with the same field, such as --json and --format, overrule each other. */
static bool is_given(const struct option_spec *spec, const struct options_given *given)
{
	for (size_t i = 0; i < given->count; i++)
		if (table_has(given->items[i].spec) && given->items[i].spec->offset == spec->offset)
			return true;
	return false;
}

static bool is_in_environment(const struct option_spec *spec)
{
	const char *text = spec->environment ? getenv(spec->environment) : NULL;

	return text && *text;
}

/* What is overruled is not judged either: a variable meant for another program does no harm where a flag stands. */
static void ignore_overruled(struct option_spec *table, const struct options_given *given, bool by_environment)
{
	for (; table->type != OPTION_END; table++)
		if (is_given(table, given) || (by_environment && is_in_environment(table)))
			table->type = OPTION_IGNORED;
}

int settings_load(struct settings *settings, const struct options_given *given, struct error *err)
{
	struct option_spec file[SETTINGS_COUNT], environment[SETTINGS_COUNT];
	struct error later;
	int result;

	memcpy(file, settings_options, sizeof(file));
	memcpy(environment, settings_options, sizeof(environment));
	ignore_overruled(file, given, true);
	ignore_overruled(environment, given, false);
	/* The first error is told, in the format that was asked for. */
	if (options_set_defaults(settings_options, settings, err) < 0)
		return -1;
	result = options_set_given(settings_options, given, settings, err);
	settings->format_given = gives_format(given);
	if (settings->show_help || settings->show_version)
		return result;
	if (read_configuration(file, settings, result < 0 ? &later : err) < 0)
		result = -1;
	if (options_set_environment(environment, settings, result < 0 ? &later : err) < 0)
		result = -1;
	drop_scheme(settings->address);
	return result;
}

void settings_release(struct settings *settings)
{
	options_release(settings_options, settings);
}
