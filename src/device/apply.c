#include "device/apply.h"

#include <string.h>

#include "device/host.h"
#include "device/tree.h"

/* Adds `value` (NULL: leave it out) under `key`; false without memory. Takes the value. */
static bool add(cJSON *object, const char *key, cJSON *value)
{
	if (value && cJSON_AddItemToObject(object, key, value))
		return true;
	cJSON_Delete(value);
	return false;
}

/* Copies a member, under a name of its own. One that is missing or empty is left out, as the OCI types do. */
static bool copy(cJSON *object, const char *key, const cJSON *from, const char *from_key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(from, from_key);

	if (!value || (cJSON_IsString(value) && *value->valuestring == '\0') || (cJSON_IsArray(value) && !value->child))
		return true;
	return add(object, key, cJSON_Duplicate(value, true));
}

/* Gives the object when all of its members could be added. */
static cJSON *checked(cJSON *object, bool complete)
{
	if (complete)
		return object;
	cJSON_Delete(object);
	return NULL;
}

/* The owner that the CDI file names, else the user that the process runs as. */
static bool add_owner(cJSON *device, const cJSON *node, const cJSON *spec, const char *key)
{
	const cJSON *user = tree_find(spec, "process.user");
	int64_t id = json_integer(user, key, 0);

	if (cJSON_GetObjectItemCaseSensitive(node, key))
		return copy(device, key, node, key);
	return id <= 0 || add(device, key, cJSON_CreateNumber((double)id));
}

static cJSON *create_device(const cJSON *node, const struct host_device *host, const cJSON *spec)
{
	cJSON *device = cJSON_CreateObject();

	return checked(device,
		       copy(device, "path", node, "path") && add(device, "type", cJSON_CreateString(host->type)) &&
			       add(device, "major", cJSON_CreateNumber((double)host->major)) &&
			       add(device, "minor", cJSON_CreateNumber((double)host->minor)) &&
			       (host->mode < 0 || add(device, "fileMode", cJSON_CreateNumber((double)host->mode))) &&
			       add_owner(device, node, spec, "uid") && add_owner(device, node, spec, "gid"));
}

static cJSON *create_rule(const struct host_device *host, const char *access)
{
	cJSON *rule = cJSON_CreateObject();

	return checked(rule, add(rule, "allow", cJSON_CreateTrue()) &&
				     add(rule, "type", cJSON_CreateString(host->type[0] == 'b' ? "b" : "c")) &&
				     add(rule, "major", cJSON_CreateNumber((double)host->major)) &&
				     add(rule, "minor", cJSON_CreateNumber((double)host->minor)) &&
				     add(rule, "access", cJSON_CreateString(access)));
}

static int apply_device(const cJSON *node, struct ledger *ledger, struct error *err)
{
	const char *access = json_text(node, "permissions");
	struct host_device host;

	if (host_device_complete(node, &host, err) < 0 ||
	    ledger_put(ledger, SPEC_DEVICES, create_device(node, &host, ledger->spec), err) < 0)
		return -1;
	if (host.type[0] == 'p' || (access && strcmp(access, "none") == 0))
		return 0;
	return ledger_put(ledger, SPEC_DEVICE_RULES, create_rule(&host, access && *access ? access : "rwm"), err);
}

static int apply_env(const cJSON *variable, struct ledger *ledger, struct error *err)
{
	return ledger_put(ledger, SPEC_ENV, cJSON_Duplicate(variable, true), err);
}

static int apply_mount(const cJSON *edit, struct ledger *ledger, struct error *err)
{
	cJSON *mount = cJSON_CreateObject();
	bool complete = copy(mount, "destination", edit, "containerPath") && copy(mount, "type", edit, "type") &&
			copy(mount, "source", edit, "hostPath") && copy(mount, "options", edit, "options");

	return ledger_put(ledger, SPEC_MOUNTS, checked(mount, complete), err);
}

static enum spec_list_id hook_list(const char *name)
{
	static const char *const names[] = {
		[SPEC_PRESTART] = "prestart",
		[SPEC_CREATE_RUNTIME] = "createRuntime",
		[SPEC_CREATE_CONTAINER] = "createContainer",
		[SPEC_START_CONTAINER] = "startContainer",
		[SPEC_POSTSTART] = "poststart",
		[SPEC_POSTSTOP] = "poststop",
	};
	enum spec_list_id id = SPEC_PRESTART;

	while (id < SPEC_POSTSTOP && strcmp(names[id], name) != 0)
		id++;
	return id;
}

static int apply_hook(const cJSON *edit, struct ledger *ledger, struct error *err)
{
	cJSON *hook = cJSON_CreateObject();
	bool complete = copy(hook, "path", edit, "path") && copy(hook, "args", edit, "args") &&
			copy(hook, "env", edit, "env") && copy(hook, "timeout", edit, "timeout");

	return ledger_put(ledger, hook_list(json_text(edit, "hookName")), checked(hook, complete), err);
}

static int apply_net_device(const cJSON *edit, struct ledger *ledger, struct error *err)
{
	cJSON *device = cJSON_CreateObject();

	return ledger_set(ledger, "linux.netDevices", json_text(edit, "hostInterfaceName"),
			  checked(device, copy(device, "name", edit, "name")), err);
}

/* Root's group is never added, as the specification says. */
static int apply_gid(const cJSON *gid, struct ledger *ledger, struct error *err)
{
	if (gid->valuedouble == 0)
		return 0;
	return ledger_put(ledger, SPEC_GIDS, cJSON_CreateNumber(gid->valuedouble), err);
}

int cdi_edits_apply(const cJSON *edits, struct ledger *ledger, struct error *err)
{
	static const struct {
		const char *key;
		int (*apply)(const cJSON *item, struct ledger *ledger, struct error *err);
	} kinds[] = {
		{ "env", apply_env },      { "deviceNodes", apply_device }, { "netDevices", apply_net_device },
		{ "mounts", apply_mount }, { "hooks", apply_hook },         { "additionalGids", apply_gid },
	};
	const cJSON *rdt = cJSON_GetObjectItemCaseSensitive(edits, "intelRdt"), *item;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(edits, kinds[i].key))
			if (kinds[i].apply(item, ledger, err) < 0)
				return -1;
	if (!rdt)
		return 0;
	return ledger_set(ledger, "linux", "intelRdt", cJSON_Duplicate(rdt, true), err);
}
