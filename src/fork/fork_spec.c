#include "fork/fork_spec.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define FILE_LIMIT ((size_t)1 << 20)
#define HOSTNAME_LIMIT 63 /* bytes, of one name (RFC 1035) */

/* What may stand beside an id in a path or a list of names. */
static bool is_edge(char c)
{
	return !c || strchr("/:.~ \t\n", c);
}

/* Where the id stands as a name of its own, or NULL. */
static const char *find_id(const char *text, const char *id)
{
	size_t length = strlen(id);

	for (const char *at = strstr(text, id); at; at = strstr(at + 1, id))
		if ((at == text || is_edge(at[-1])) && is_edge(at[length]))
			return at;
	return NULL;
}

/* A copy with every such place replaced; the caller frees. NULL: no memory. */
static char *replace_id(const char *text, const char *id, const char *by)
{
	cleanup_text struct text made = { 0 };
	const char *at;

	for (at = find_id(text, id); at; at = find_id(text, id)) {
		text_append(&made, text, (size_t)(at - text));
		text_add(&made, by);
		text = at + strlen(id);
	}
	text_add(&made, text);
	return text_steal(&made);
}

static int set_text(cJSON *object, const char *key, const char *value, struct error *err)
{
	cJSON *item = value ? cJSON_CreateString(value) : NULL;

	if (!item)
		return error_memory(err);
	if (cJSON_GetObjectItemCaseSensitive(object, key) ? cJSON_ReplaceItemInObjectCaseSensitive(object, key, item)
							  : cJSON_AddItemToObject(object, key, item))
		return 0;
	cJSON_Delete(item);
	return error_memory(err);
}

/* Two containers in one cgroup would be stopped, frozen and limited as one. One without a path gets its runtime's. */
static int adapt_cgroup(struct session *session, const struct fork_names *names, cJSON *linux_part, struct error *err)
{
	const char *path = json_text(linux_part, "cgroupsPath");
	const char *colon = path ? strrchr(path, ':') : NULL;
	cleanup_free char *own = NULL;

	if (!path || !*path)
		return 0;
	if (find_id(path, names->old_id))
		own = replace_id(path, names->old_id, names->new_id);
	else if (colon)
		own = text_format("%.*s:%s", (int)(colon - path), path, names->new_id);
	else
		own = text_format("/%s/%s", session->settings->namespace, names->new_id);
	return set_text(linux_part, "cgroupsPath", own, err);
}

/* A namespace by path is another's. */
static void adapt_network(const struct fork_names *names, cJSON *linux_part)
{
	cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(linux_part, "namespaces")) {
		const char *type = json_text(item, "type"), *path = json_text(item, "path");

		if (!type || strcmp(type, "network") != 0 || !path || !*path)
			continue;
		log_warning("'%s' gets a network namespace of its own in place of '%s'", names->new_id, path);
		cJSON_DeleteItemFromObjectCaseSensitive(item, "path");
	}
}

/* Whether the hostname is made of the container's id, whole or as Docker and nerdctl shorten it. */
static bool is_of_id(const char *hostname, const char *id)
{
	return strcmp(hostname, id) == 0 || (strlen(hostname) == 12 && text_starts_with(id, hostname));
}

static int adapt_environment(cJSON *json, const char *old, const char *hostname, struct error *err)
{
	cleanup_free char *before = text_format("HOSTNAME=%s", old), *after = text_format("HOSTNAME=%s", hostname);
	cJSON *process = cJSON_GetObjectItemCaseSensitive(json, "process"), *item;

	if (!before || !after)
		return error_memory(err);
	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(process, "env"))
		if (cJSON_IsString(item) && strcmp(item->valuestring, before) == 0 &&
		    !cJSON_SetValuestring(item, after))
			return error_memory(err);
	return 0;
}

/* *hostname is the fork's, for its own files; the caller frees. */
static int adapt_hostname(const struct fork_names *names, cJSON *json, char **hostname, struct error *err)
{
	cleanup_free char *old = strdup(json_text(json, "hostname") ? json_text(json, "hostname") : "");
	bool is_new = names->name_as_hostname || (old && is_of_id(old, names->old_id));

	if (!old)
		return error_memory(err);
	*hostname = is_new ? strndup(names->new_id, HOSTNAME_LIMIT) : strdup(old);
	if (!*hostname)
		return error_memory(err);
	if (!is_new)
		return 0;
	if (set_text(json, "hostname", *hostname, err) < 0)
		return -1;
	return *old ? adapt_environment(json, old, *hostname, err) : 0;
}

/* The files that runtimes make for each container. */
static const struct own_file {
	const char *destination;
	const char *name;
} own_files[] = {
	{ "/etc/hosts", "hosts" },
	{ "/etc/hostname", "hostname" },
	{ "/etc/resolv.conf", "resolv.conf" },
};

#define OWN_FILE_COUNT (sizeof(own_files) / sizeof(*own_files))

static char *file_name(struct session *session, const char *id, const struct own_file *file)
{
	return text_format("%s~%s.%s", session->settings->namespace, id, file->name);
}

/* What the other's file said, with the new names; of one that is gone, what is needed at least. */
static char *own_content(const struct fork_names *names, const struct own_file *file, const char *source,
			 const char *hostname)
{
	cleanup_text struct text old = { 0 };
	struct error ignored = { 0 };

	if (strcmp(file->name, "hostname") == 0)
		return text_format("%s\n", *hostname ? hostname : names->new_id);
	if (file_read_linked(AT_FDCWD, source, FILE_LIMIT, &old, &ignored) == 0 && old.data)
		return replace_id(old.data, names->old_id, names->new_id);
	error_clear(&ignored);
	if (strcmp(file->name, "hosts") == 0)
		return text_format("127.0.0.1\tlocalhost\n::1\tlocalhost\n127.0.1.1\t%s\n",
				   *hostname ? hostname : names->new_id);
	if (file_read_linked(AT_FDCWD, "/etc/resolv.conf", FILE_LIMIT, &old, &ignored) == 0 && old.data)
		return strdup(old.data);
	return strdup("");
}

static int give_file(struct session *session, const struct fork_names *names, const struct own_file *file,
		     const char *hostname, cJSON *mount, struct error *err)
{
	cleanup_free char *content = own_content(names, file, json_text(mount, "source"), hostname);
	cleanup_free char *name = file_name(session, names->new_id, file);
	cleanup_free char *path = name ? text_format("%s/%s", session->settings->state_dir, name) : NULL;

	if (!content || !path)
		return error_memory(err);
	if (session_open_state(session, err) < 0 ||
	    file_replace(session->state_dir, name, 0644, content, strlen(content), err) < 0)
		return -1;
	return set_text(mount, "source", path, err);
}

/* Only a file of the container's own, which its path tells; the host's is everybody's. */
static int adapt_files(struct session *session, const struct fork_names *names, const char *hostname, cJSON *json,
		       struct error *err)
{
	cJSON *mount;

	cJSON_ArrayForEach(mount, cJSON_GetObjectItemCaseSensitive(json, "mounts")) {
		const char *source = json_text(mount, "source"), *destination = json_text(mount, "destination");

		for (size_t i = 0; i < OWN_FILE_COUNT && source && destination; i++)
			if (strcmp(destination, own_files[i].destination) == 0 && find_id(source, names->old_id)) {
				if (give_file(session, names, &own_files[i], hostname, mount, err) < 0)
					return -1;
				break;
			}
	}
	return 0;
}

void fork_spec_remove_files(struct session *session, const char *container_id)
{
	struct error ignored = { 0 };

	for (size_t i = 0; i < OWN_FILE_COUNT; i++) {
		cleanup_free char *name = file_name(session, container_id, &own_files[i]);

		if (name && session_open_state(session, &ignored) == 0)
			file_remove(session->state_dir, name, &ignored);
	}
}

bool fork_key_is_owners(const char *key)
{
	static const char *const prefixes[] = {
		"memoh.",      "nerdctl/", "io.kubernetes.", "io.cri-containerd", "containerd.io/restart.",
		"com.docker.", "wsnap."
	};

	if (strcmp(key, "wsnap.policy") == 0)
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (text_starts_with(key, prefixes[i]))
			return true;
	return false;
}

static void adapt_annotations(cJSON *json)
{
	cJSON *annotations = cJSON_GetObjectItemCaseSensitive(json, "annotations");
	cJSON *item = annotations ? annotations->child : NULL;

	while (item) {
		cJSON *next = item->next;

		if (item->string && fork_key_is_owners(item->string))
			cJSON_Delete(cJSON_DetachItemViaPointer(annotations, item));
		item = next;
	}
}

/* nerdctl's hooks attach the network of the container that they were made for. */
static void adapt_hooks(cJSON *json)
{
	cJSON *stage, *hook, *arg;

	cJSON_ArrayForEach(stage, cJSON_GetObjectItemCaseSensitive(json, "hooks"))
		cJSON_ArrayForEach(hook, stage)
			cJSON_ArrayForEach(arg, cJSON_GetObjectItemCaseSensitive(hook, "args"))
				if (cJSON_IsString(arg) && strcmp(arg->valuestring, "oci-hook") == 0) {
					cJSON_DeleteItemFromObjectCaseSensitive(json, "hooks");
					return;
				}
}

int fork_spec_adapt(struct session *session, const struct fork_names *names, struct ctr_any *spec, struct error *err)
{
	cleanup_json cJSON *json = json_parse_exact(spec->value, spec->length, "its OCI runtime spec", err);
	cJSON *linux_part = cJSON_GetObjectItemCaseSensitive(json, "linux");
	cleanup_free char *hostname = NULL;
	char *printed;

	if (!json)
		return -1;
	if (adapt_cgroup(session, names, linux_part, err) < 0 || adapt_hostname(names, json, &hostname, err) < 0 ||
	    adapt_files(session, names, hostname, json, err) < 0)
		return -1;
	adapt_network(names, linux_part);
	adapt_annotations(json);
	adapt_hooks(json);
	printed = json_print(json, err);
	if (!printed)
		return -1;
	free(spec->value);
	spec->value = printed;
	spec->length = strlen(printed);
	return 0;
}
