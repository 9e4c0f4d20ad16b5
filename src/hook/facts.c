#include "hook/facts.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

static const char *const phase_names[] = { [HOOK_PRE] = "pre", [HOOK_POST] = "post" };

/* Passed on from our own environment: nothing that may hold a password. */
static const char *const passed_on[] = { "PATH", "HOME", "LANG", "LC_ALL", "TZ", "USER", "LOGNAME" };

void hook_told_release(struct hook_told *told)
{
	for (size_t i = 0; i < told->count; i++)
		free(told->variables[i]);
	free(told->json);
}

static int add_variable(struct hook_told *told, const char *name, const char *value, struct error *err)
{
	char *variable = text_format("%s=%s", name, value ? value : "");

	if (!variable || told->count == HOOK_VARIABLES_MOST) {
		free(variable);
		return error_memory(err);
	}
	told->variables[told->count++] = variable;
	return 0;
}

/* A fact as a variable WSNAP_NAME and as a member `key` of the document. */
static int tell(struct hook_told *told, cJSON *json, const char *name, const char *key, const char *value,
		struct error *err)
{
	return add_variable(told, name, value, err) < 0 ? -1 : json_add_text(json, key, value, err);
}

static int tell_number(struct hook_told *told, cJSON *json, const char *name, const char *key, int number,
		       struct error *err)
{
	cleanup_free char *text = text_format("%d", number);

	if (!text || !cJSON_AddNumberToObject(json, key, number))
		return error_memory(err);
	return add_variable(told, name, text, err);
}

static int tell_outcome(struct hook_told *told, cJSON *json, const struct hook_facts *facts, struct error *err)
{
	if (facts->version > 0 && tell_number(told, json, "WSNAP_VERSION", "version", facts->version, err) < 0)
		return -1;
	if (facts->version <= 0 &&
	    (add_variable(told, "WSNAP_VERSION", "", err) < 0 || !cJSON_AddNullToObject(json, "version")))
		return error_memory(err);
	return tell_number(told, json, "WSNAP_EXIT_STATUS", "exit_status", facts->exit_status, err);
}

int hook_told(struct hook_told *told, enum hook_phase phase, const struct hook_facts *facts, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (!json)
		return error_memory(err);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		if (getenv(passed_on[i]) && add_variable(told, passed_on[i], getenv(passed_on[i]), err) < 0)
			return -1;
	if (tell(told, json, "WSNAP_PHASE", "phase", phase_names[phase], err) < 0 ||
	    tell(told, json, "WSNAP_OPERATION", "operation", facts->operation, err) < 0 ||
	    tell(told, json, "WSNAP_OPERATION_ID", "operation_id", facts->operation_id, err) < 0 ||
	    tell(told, json, "WSNAP_CONTAINER_ID", "container_id", facts->container_id, err) < 0 ||
	    tell(told, json, "WSNAP_BOT_ID", "bot_id", facts->bot_id, err) < 0 ||
	    tell(told, json, "WSNAP_NAMESPACE", "namespace", facts->namespace, err) < 0 ||
	    tell(told, json, "WSNAP_SOURCE", "source", facts->source, err) < 0 ||
	    add_variable(told, "WSNAP_LIVE", facts->live ? "true" : "false", err) < 0)
		return -1;
	if (!cJSON_AddBoolToObject(json, "live", facts->live))
		return error_memory(err);
	if (phase == HOOK_POST && tell_outcome(told, json, facts, err) < 0)
		return -1;
	told->json = json_print(json, err);
	return told->json ? 0 : -1;
}
