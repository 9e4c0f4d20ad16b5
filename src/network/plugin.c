#include "network/plugin.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "base/program.h"
#include "network/result.h"

#define OUTPUT_LIMIT ((size_t)1 << 20)
#define VARIABLES 8

/* Where iptables and its like are, whatever our own PATH is: cron's has no sbin. */
#define TOOL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char *plugin_find(const char *path, const char *type, struct error *err)
{
	const char *at = path;

	while (*at) {
		size_t length = strcspn(at, ":");
		cleanup_free char *file = text_format("%.*s/%s", (int)length, at, type);
		struct stat st;

		if (!file) {
			error_memory(err);
			return NULL;
		}
		if (length && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			return steal_pointer(file);
		at += length + (at[length] == ':');
	}
	error_set(err, ERROR_USAGE, "plugin '%s' is not in '%s'", type, path);
	return NULL;
}

static int check_exists(const char *path, const char *type, struct error *err)
{
	cleanup_free char *file = plugin_find(path, type, err);

	return file ? 0 : -1;
}

int plugin_find_all(const char *path, const struct conf *conf, struct error *err)
{
	const cJSON *plugin;

	cJSON_ArrayForEach(plugin, conf->plugins) {
		const char *ipam = conf_plugin_ipam(plugin);

		if (check_exists(path, conf_plugin_type(plugin), err) < 0 ||
		    (ipam && check_exists(path, ipam, err) < 0))
			return error_wrap(err, "network '%s'", conf->name);
	}
	return 0;
}

static int put(cJSON *object, const char *key, cJSON *value, struct error *err)
{
	while (cJSON_GetObjectItemCaseSensitive(object, key))
		cJSON_DeleteItemFromObjectCaseSensitive(object, key);
	if (cJSON_AddItemToObject(object, key, value))
		return 0;
	cJSON_Delete(value);
	return error_memory(err);
}

/* `runtimeConfig`: of the capability arguments only those that the plugin says it understands. */
static int put_runtime_config(cJSON *config, const cJSON *capabilities, struct error *err)
{
	cJSON *runtime = NULL;
	const cJSON *item;

	cJSON_ArrayForEach(item, capabilities) {
		if (!conf_plugin_can(config, item->string))
			continue;
		if (!runtime) {
			runtime = cJSON_CreateObject();
			if (put(config, "runtimeConfig", runtime, err) < 0)
				return -1;
		}
		if (put(runtime, item->string, cJSON_Duplicate(item, 1), err) < 0)
			return -1;
	}
	return 0;
}

/* What the plugin reads on its standard input; the caller frees it. */
static char *configuration(const struct plugin_call *call, const cJSON *plugin, const cJSON *previous,
			   struct error *err)
{
	cleanup_json cJSON *config = cJSON_Duplicate(plugin, 1);

	if (!config) {
		error_memory(err);
		return NULL;
	}
	if (put(config, "name", cJSON_CreateString(call->conf->name), err) < 0 ||
	    put(config, "cniVersion", cJSON_CreateString(call->conf->version), err) < 0 ||
	    (previous && put(config, "prevResult", cJSON_Duplicate(previous, 1), err) < 0) ||
	    put_runtime_config(config, call->capabilities, err) < 0)
		return NULL;
	return json_print(config, err);
}

static void variables_free(char *(*variables)[VARIABLES])
{
	for (size_t i = 0; i < VARIABLES; i++)
		free((*variables)[i]);
}

static int fill_variables(const struct plugin_call *call, char *variables[VARIABLES], struct error *err)
{
	const char *own_path = getenv("PATH");

	variables[0] = text_format("CNI_COMMAND=%s", call->command);
	variables[1] = text_format("CNI_CONTAINERID=%s", call->container_id);
	variables[2] = text_format("CNI_NETNS=%s", call->netns);
	variables[3] = text_format("CNI_IFNAME=%s", call->ifname);
	variables[4] = text_format("CNI_ARGS=%s", call->args ? call->args : "");
	variables[5] = text_format("CNI_PATH=%s", call->path);
	variables[6] = text_format("PATH=%s%s" TOOL_PATH, own_path ? own_path : "", own_path ? ":" : "");
	for (size_t i = 0; i < VARIABLES - 1; i++)
		if (!variables[i])
			return error_memory(err);
	return 0;
}

/* The last line with something in it, cut out of `complaints` in place. */
static const char *last_line(struct text *complaints)
{
	char *line;

	while (complaints->length && strchr(" \t\r\n", complaints->data[complaints->length - 1]))
		complaints->data[--complaints->length] = '\0';
	if (!complaints->length)
		return NULL;
	line = strrchr(complaints->data, '\n');
	return line ? line + 1 : complaints->data;
}

/* The error document of a plugin (section 5 of the specification). false: it gave none. */
static bool explain(const char *type, const struct program_outcome *outcome, int *code, struct error *err)
{
	struct error ignored;
	cleanup_json cJSON *json = json_parse(outcome->output.data ? outcome->output.data : "", outcome->output.length,
					      "the error", &ignored);
	int64_t number = json_integer(json, "code", 0);
	const char *message = json_text(json, "msg");
	const char *details = json_text(json, "details");

	if (number <= 0 || number > INT32_MAX)
		return false;
	*code = (int)number;
	error_set(err, ERROR_FAILED, "plugin '%s' failed with code %d: %s%s%s", type, *code,
		  message && *message ? message : "it gives no reason", details && *details ? "; " : "",
		  details && *details ? details : "");
	return true;
}

static int failed(const char *type, struct program_outcome *outcome, unsigned timeout_ms, int *code, struct error *err)
{
	const char *line = last_line(&outcome->complaints);

	if (outcome->end == PROGRAM_TIMED_OUT) {
		*code = PLUGIN_CODE_TIMED_OUT;
		return error_set(err, ERROR_FAILED, "plugin '%s' was killed after %u ms without an answer", type,
				 timeout_ms);
	}
	if (outcome->end == PROGRAM_TOO_MUCH)
		return error_set(err, ERROR_FAILED, "plugin '%s' was killed: it printed more than %zu bytes", type,
				 OUTPUT_LIMIT);
	if (outcome->end == PROGRAM_EXITED && explain(type, outcome, code, err))
		return -1;
	return error_set(err, ERROR_FAILED, "plugin '%s' failed with %s %d%s%s", type,
			 outcome->end == PROGRAM_EXITED ? "exit status" : "signal", outcome->code, line ? ": " : "",
			 line ? line : "");
}

/* The plugin's process, from its file to its end. */
static int run_program(const struct plugin_call *call, const char *type, const char *input,
		       struct program_outcome *outcome, struct error *err)
{
	cleanup_free char *file = plugin_find(call->path, type, err);
	char *variables[VARIABLES] __attribute__((cleanup(variables_free))) = { NULL };
	struct program program = { .file = file,
				   .environment = variables,
				   .input = input,
				   .output_limit = OUTPUT_LIMIT,
				   .timeout_ms = call->timeout_ms };
	double start_ms = clock_monotonic_ms();

	if (!file) {
		err->kind = ERROR_FAILED;
		return -1;
	}
	if (fill_variables(call, variables, err) < 0 || program_run(&program, outcome, err) < 0)
		return -1;
	log_detail("network '%s': %s by plugin '%s' took %.0f ms", call->conf->name, call->command, type,
		   clock_monotonic_ms() - start_ms);
	return 0;
}

int plugin_run(const struct plugin_call *call, const cJSON *plugin, const cJSON *previous, cJSON **result, int *code,
	       struct error *err)
{
	cleanup_program_outcome struct program_outcome outcome = { 0 };
	cleanup_free char *input = configuration(call, plugin, previous, err);
	const char *type = conf_plugin_type(plugin);

	*code = PLUGIN_CODE_NONE;
	if (!input || run_program(call, type, input, &outcome, err) < 0)
		return -1;
	if (outcome.end != PROGRAM_EXITED || outcome.code != 0)
		return failed(type, &outcome, call->timeout_ms, code, err);
	if (strcmp(call->command, "ADD") != 0)
		return 0;
	if (outcome.output.length == 0)
		return error_set(err, ERROR_FAILED, "plugin '%s' succeeded without a result", type);
	*result = result_parse(outcome.output.data, outcome.output.length, call->conf->version, err);
	return *result ? 0 : error_wrap(err, "plugin '%s'", type);
}
