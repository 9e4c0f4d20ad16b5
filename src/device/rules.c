#include "device/rules.h"

#include <string.h>

bool cdi_hook_is_known(const char *name)
{
	static const char *const known[] = { "prestart",       "createRuntime", "createContainer",
					     "startContainer", "poststart",     "poststop" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

static int check_env(const cJSON *env, struct error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, env)
		if (item->valuestring[0] == '=' || !strchr(item->valuestring, '='))
			return error_set(err, ERROR_FAILED, "'%s' in 'env' is not NAME=VALUE", item->valuestring);
	return 0;
}

static int check_device_node(const cJSON *node, struct error *err)
{
	const char *path = json_text(node, "path");
	const char *type = json_text(node, "type");
	const char *permissions = json_text(node, "permissions");

	if (*path == '\0')
		return error_set(err, ERROR_FAILED, "the path of a device node is empty");
	if (type && *type && (strlen(type) != 1 || !strchr("bcup", *type)))
		return error_set(err, ERROR_FAILED, "device node '%s' has the type '%s'", path, type);
	if (permissions && strcmp(permissions, "none") != 0 && strspn(permissions, "rwm") != strlen(permissions))
		return error_set(err, ERROR_FAILED, "device node '%s' has the permissions '%s'", path, permissions);
	return 0;
}

static int check_mount(const cJSON *mount, struct error *err)
{
	if (*json_text(mount, "hostPath") == '\0' || *json_text(mount, "containerPath") == '\0')
		return error_set(err, ERROR_FAILED, "a mount has an empty path");
	return 0;
}

static int check_hook(const cJSON *hook, struct error *err)
{
	const char *name = json_text(hook, "hookName");
	const char *path = json_text(hook, "path");

	if (!cdi_hook_is_known(name))
		return error_set(err, ERROR_FAILED, "there is no hook '%s'", name);
	if (*path != '/')
		return error_set(err, ERROR_FAILED, "the path '%s' of a hook is not absolute", path);
	return check_env(cJSON_GetObjectItemCaseSensitive(hook, "env"), err);
}

static int check_net_device(const cJSON *device, struct error *err)
{
	if (*json_text(device, "hostInterfaceName") == '\0' || *json_text(device, "name") == '\0')
		return error_set(err, ERROR_FAILED, "a network device has an empty name");
	return 0;
}

/* The class of service becomes a folder of resctrl; "/" is its root. */
static int check_rdt(const cJSON *rdt, struct error *err)
{
	const char *class = json_text(rdt, "closID");

	if (!class || strcmp(class, "/") == 0)
		return 0;
	if (strlen(class) >= 4096 || strcmp(class, ".") == 0 || strcmp(class, "..") == 0 || strpbrk(class, "/\n"))
		return error_set(err, ERROR_FAILED, "'%s' is not a closID", class);
	return 0;
}

static int check_each(const cJSON *edits, const char *key, int (*check)(const cJSON *, struct error *),
		      struct error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(edits, key))
		if (check(item, err) < 0)
			return -1;
	return 0;
}

int cdi_edits_check(const cJSON *edits, struct error *err)
{
	if (check_env(cJSON_GetObjectItemCaseSensitive(edits, "env"), err) < 0 ||
	    check_each(edits, "deviceNodes", check_device_node, err) < 0 ||
	    check_each(edits, "mounts", check_mount, err) < 0 || check_each(edits, "hooks", check_hook, err) < 0 ||
	    check_each(edits, "netDevices", check_net_device, err) < 0)
		return -1;
	return check_rdt(cJSON_GetObjectItemCaseSensitive(edits, "intelRdt"), err);
}

bool cdi_edits_are_empty(const cJSON *edits)
{
	const cJSON *member;

	cJSON_ArrayForEach(member, edits)
		if (member->child || strcmp(member->string, "intelRdt") == 0)
			return false;
	return true;
}
