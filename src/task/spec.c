#include "task/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"

#define SPEC_LIMIT ((size_t)4 << 20)
#define MOUNTS_LIMIT 256

/* A namespace of the type that the runtime makes: listed, and without a path. */
static bool has_own_namespace(const cJSON *linux_part, const char *type)
{
	const cJSON *namespaces = cJSON_GetObjectItemCaseSensitive(linux_part, "namespaces"), *item;

	cJSON_ArrayForEach(item, namespaces) {
		const char *its_type = json_text(item, "type"), *path = json_text(item, "path");

		if (its_type && strcmp(its_type, type) == 0)
			return !path || !*path;
	}
	return false;
}

/* nerdctl runs itself as a hook: `nerdctl … internal oci-hook createRuntime`. */
static bool is_nerdctl_hook(const cJSON *hook)
{
	const cJSON *args = cJSON_GetObjectItemCaseSensitive(hook, "args"), *arg;

	cJSON_ArrayForEach(arg, args)
		if (cJSON_IsString(arg) && strcmp(arg->valuestring, "oci-hook") == 0)
			return true;
	return false;
}

static bool has_nerdctl_hooks(const cJSON *json)
{
	const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "hooks"), *stage, *hook;

	cJSON_ArrayForEach(stage, stages)
		cJSON_ArrayForEach(hook, stage)
			if (is_nerdctl_hook(hook))
				return true;
	return false;
}

static bool has_option(const cJSON *mount, const char *option)
{
	const cJSON *options = cJSON_GetObjectItemCaseSensitive(mount, "options"), *item;

	cJSON_ArrayForEach(item, options)
		if (cJSON_IsString(item) && strcmp(item->valuestring, option) == 0)
			return true;
	return false;
}

/* The files that runtimes make for every container hold nothing of the user's. */
static bool is_runtime_file(const char *destination)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/dev/shm" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (strcmp(destination, files[i]) == 0)
			return true;
	return false;
}

static bool is_bind(const cJSON *mount)
{
	const char *type = json_text(mount, "type");

	return has_option(mount, "bind") || has_option(mount, "rbind") || (type && strcmp(type, "bind") == 0);
}

static bool is_writable_bind(const cJSON *mount)
{
	const char *destination = json_text(mount, "destination");

	return destination && is_bind(mount) && !has_option(mount, "ro") && !has_option(mount, "rro") &&
	       !is_runtime_file(destination);
}

static int collect_mounts(const cJSON *json, struct spec *spec, struct error *err)
{
	const cJSON *mounts = cJSON_GetObjectItemCaseSensitive(json, "mounts"), *mount;

	spec->writable_mounts = calloc(MOUNTS_LIMIT, sizeof(char *));
	if (!spec->writable_mounts)
		return error_memory(err);
	cJSON_ArrayForEach(mount, mounts) {
		char *copy;

		if (spec->writable_mount_count == MOUNTS_LIMIT || !is_writable_bind(mount))
			continue;
		copy = strdup(json_text(mount, "destination"));
		if (!copy)
			return error_memory(err);
		spec->writable_mounts[spec->writable_mount_count++] = copy;
	}
	return 0;
}

/* A path that cannot be examined may exist. A relative source is the runtime's own. */
static bool is_missing(const char *path)
{
	struct stat st;

	return *path == '/' && stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static int find_mount(const cJSON *json, char **path, char **use)
{
	const cJSON *mount;

	cJSON_ArrayForEach(mount, cJSON_GetObjectItemCaseSensitive(json, "mounts")) {
		const char *from = json_text(mount, "source"), *to = json_text(mount, "destination");

		if (!from || !to || !is_bind(mount) || !is_missing(from))
			continue;
		*path = strdup(from);
		*use = text_format("which is mounted at its '%s'", to);
		return 1;
	}
	return 0;
}

/* Above all /proc/PID/ns/net of a task that was ended since. */
static int find_namespace(const cJSON *json, char **path, char **use)
{
	const cJSON *linux_part = cJSON_GetObjectItemCaseSensitive(json, "linux"), *namespace;

	cJSON_ArrayForEach(namespace, cJSON_GetObjectItemCaseSensitive(linux_part, "namespaces")) {
		const char *at = json_text(namespace, "path"), *type = json_text(namespace, "type");

		if (!at || !type || !is_missing(at))
			continue;
		*path = strdup(at);
		*use = text_format("which is its namespace '%s'", type);
		return 1;
	}
	return 0;
}

int spec_find_missing(const char *bytes, size_t length, char **path, char **use, struct error *err)
{
	cleanup_json cJSON *json = json_parse(bytes, length, "its OCI runtime spec", err);
	int found;

	if (!json)
		return -1;
	found = find_mount(json, path, use);
	if (found == 0)
		found = find_namespace(json, path, use);
	return found == 0 || (*path && *use) ? found : error_memory(err);
}

int spec_read(const struct ctr_container *container, struct spec *spec, struct error *err)
{
	cleanup_json cJSON *json = NULL;
	const cJSON *linux_part;

	if (!container->spec.value || container->spec.length > SPEC_LIMIT)
		return error_set(err, ERROR_FAILED, "'%s' has no OCI runtime spec that could be read", container->id);
	json = json_parse(container->spec.value, container->spec.length, "its OCI runtime spec", err);
	if (!json)
		return error_wrap(err, "'%s'", container->id);
	linux_part = cJSON_GetObjectItemCaseSensitive(json, "linux");
	spec->own_pids = has_own_namespace(linux_part, "pid");
	spec->own_network = has_own_namespace(linux_part, "network");
	spec->network_in_hooks = has_nerdctl_hooks(json);
	return collect_mounts(json, spec, err);
}

void spec_release(struct spec *spec)
{
	for (size_t i = 0; i < spec->writable_mount_count; i++)
		free(spec->writable_mounts[i]);
	free(spec->writable_mounts);
	*spec = (struct spec){ 0 };
}
