#include "workspace/blueprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "ctr/content.h"
#include "ctr/leases.h"
#include "ctr/snapshots.h"
#include "network/base64.h"
#include "workspace/label_keys.h"

#define FORMAT 1
#define WHAT "what is kept of the container"

/* An Any other than the spec: its bytes are its client's. */
static int add_any(cJSON *object, const char *key, const struct ctr_any *any, struct error *err)
{
	cleanup_text struct text encoded = { 0 };
	cJSON *item;

	if (!any->type_url)
		return cJSON_AddNullToObject(object, key) ? 0 : error_memory(err);
	base64_encode(any->value ? any->value : "", any->length, &encoded);
	item = cJSON_AddObjectToObject(object, key);
	if (encoded.failed || !item)
		return error_memory(err);
	if (json_add_text(item, "type_url", any->type_url, err) < 0)
		return -1;
	return json_add_text(item, "value", encoded.data, err);
}

/* What an operation whose record was lost has taken off belongs to the container all the same. */
static const char *key_of(const char *key, const struct labels *labels)
{
	if (strcmp(key, LABEL_RESTART_HELD) != 0)
		return key;
	return labels_get(labels, LABEL_RESTART_STATUS) ? NULL : LABEL_RESTART_STATUS;
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(struct label *const *)a)->key, (*(struct label *const *)b)->key);
}

/* In an order of their own: containerd gives them in any, and what is the same must look the same. */
static int add_labels(cJSON *json, const struct labels *labels, struct error *err)
{
	cJSON *object = cJSON_AddObjectToObject(json, "labels");
	cleanup_free const struct label **sorted = calloc(labels->count + 1, sizeof(*sorted));

	if (!object || !sorted)
		return error_memory(err);
	for (size_t i = 0; i < labels->count; i++)
		sorted[i] = &labels->items[i];
	qsort(sorted, labels->count, sizeof(*sorted), by_key);
	for (size_t i = 0; i < labels->count; i++) {
		const char *key = key_of(sorted[i]->key, labels);

		if (key && json_add_text(object, key, sorted[i]->value, err) < 0)
			return -1;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct ctr_extension *const *)a)->name, (*(struct ctr_extension *const *)b)->name);
}

static int add_extensions(cJSON *json, const struct ctr_container *container, struct error *err)
{
	cJSON *object = cJSON_AddObjectToObject(json, "extensions");
	cleanup_free const struct ctr_extension **sorted = calloc(container->extension_count + 1, sizeof(*sorted));

	if (!object || !sorted)
		return error_memory(err);
	for (size_t i = 0; i < container->extension_count; i++)
		sorted[i] = &container->extensions[i];
	qsort(sorted, container->extension_count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < container->extension_count; i++)
		if (add_any(object, sorted[i]->name, &sorted[i]->value, err) < 0)
			return -1;
	return 0;
}

static int add_runtime(cJSON *json, const struct ctr_container *container, struct error *err)
{
	cJSON *runtime = cJSON_AddObjectToObject(json, "runtime");

	if (!runtime)
		return error_memory(err);
	if (json_add_text(runtime, "name", container->runtime, err) < 0)
		return -1;
	return add_any(runtime, "options", &container->runtime_options, err);
}

/* The spec stands in it as it was, number for number. */
static int add_spec(cJSON *json, const struct ctr_any *spec, struct error *err)
{
	cJSON *parsed = spec->value ? json_parse_exact(spec->value, spec->length, "the container's spec", err) : NULL;

	if (!parsed)
		return spec->value ? -1 : error_set(err, ERROR_FAILED, "the container has no spec");
	if (json_add_text(json, "spec_type", spec->type_url, err) == 0 && cJSON_AddItemToObject(json, "spec", parsed))
		return 0;
	cJSON_Delete(parsed);
	return error_memory(err);
}

char *blueprint_print(const struct ctr_container *container, struct error *err)
{
	cleanup_json cJSON *json = cJSON_CreateObject();

	if (!json || !cJSON_AddNumberToObject(json, "format", FORMAT)) {
		error_memory(err);
		return NULL;
	}
	if (json_add_text(json, "container_id", container->id, err) < 0 ||
	    json_add_text(json, "image", container->image, err) < 0 ||
	    json_add_text(json, "snapshotter", container->snapshotter, err) < 0 ||
	    add_labels(json, &container->labels, err) < 0 || add_runtime(json, container, err) < 0 ||
	    add_extensions(json, container, err) < 0 || add_spec(json, &container->spec, err) < 0)
		return NULL;
	return json_print(json, err);
}

static int incomplete(const char *key, struct error *err)
{
	return error_set(err, ERROR_FAILED, WHAT " has no '%s' that could be one", key);
}

static int copy_text(const cJSON *json, const char *key, char **to, struct error *err)
{
	const char *text = json_text(json, key);

	if (!text)
		return incomplete(key, err);
	*to = strdup(text);
	return *to ? 0 : error_memory(err);
}

static int read_any(const cJSON *item, const char *key, struct ctr_any *any, struct error *err)
{
	cleanup_text struct text bytes = { 0 };
	const char *encoded = json_text(item, "value");

	if (!item || cJSON_IsNull(item))
		return 0;
	if (!encoded || base64_decode(encoded, &bytes) < 0)
		return incomplete(key, err);
	if (copy_text(item, "type_url", &any->type_url, err) < 0)
		return -1;
	any->length = bytes.length;
	any->value = text_steal(&bytes);
	return any->value ? 0 : error_memory(err);
}

static int read_labels(const cJSON *json, struct labels *labels, struct error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "labels")) {
		if (!cJSON_IsString(item))
			return incomplete("labels", err);
		if (labels_set(labels, item->string, item->valuestring, err) < 0)
			return -1;
	}
	return 0;
}

static int read_extensions(const cJSON *json, struct ctr_container *container, struct error *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "extensions"), *item;

	container->extensions = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*container->extensions));
	if (!container->extensions)
		return error_memory(err);
	cJSON_ArrayForEach(item, list) {
		struct ctr_extension *extension = &container->extensions[container->extension_count++];

		extension->name = strdup(item->string);
		if (!extension->name)
			return error_memory(err);
		if (read_any(item, "extensions", &extension->value, err) < 0)
			return -1;
	}
	return 0;
}

static int read_spec(const cJSON *json, struct ctr_any *spec, struct error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, "spec");
	char *printed;

	if (!cJSON_IsObject(item))
		return incomplete("spec", err);
	if (copy_text(json, "spec_type", &spec->type_url, err) < 0)
		return -1;
	printed = json_print(item, err);
	if (!printed)
		return -1;
	spec->value = printed;
	spec->length = strlen(printed);
	return 0;
}

int blueprint_parse(const char *bytes, size_t length, struct ctr_container *container, struct error *err)
{
	cleanup_json cJSON *json = json_parse_exact(bytes, length, WHAT, err);
	cleanup_ctr_container struct ctr_container read = { 0 };
	const cJSON *runtime;

	if (!json)
		return -1;
	if (json_integer(json, "format", 0) != FORMAT)
		return error_set(err, ERROR_FAILED, WHAT " is in a form that this wsnap does not know");
	runtime = cJSON_GetObjectItemCaseSensitive(json, "runtime");
	if (copy_text(json, "container_id", &read.id, err) < 0 || copy_text(json, "image", &read.image, err) < 0 ||
	    copy_text(json, "snapshotter", &read.snapshotter, err) < 0 || read_labels(json, &read.labels, err) < 0 ||
	    copy_text(runtime, "name", &read.runtime, err) < 0 ||
	    read_any(cJSON_GetObjectItemCaseSensitive(runtime, "options"), "runtime", &read.runtime_options, err) < 0 ||
	    read_extensions(json, &read, err) < 0 || read_spec(json, &read.spec, err) < 0)
		return -1;
	*container = read;
	read = (struct ctr_container){ 0 };
	return 0;
}

/* The digest that a version's snapshot refers to: 1 with *digest (the caller frees), 0 it has none, -1. */
static int find_digest(struct session *session, const char *snapshotter, const char *name, char **digest,
		       struct error *err)
{
	cleanup_ctr_snapshot struct ctr_snapshot snapshot = { 0 };
	int found = ctr_snapshot_stat(session->ctr, snapshotter, name, &snapshot, err);
	const char *label = found > 0 ? labels_get(&snapshot.labels, LABEL_BLUEPRINT) : NULL;

	if (!label)
		return found < 0 ? -1 : 0;
	*digest = strdup(label);
	return *digest ? 1 : error_memory(err);
}

/* Whether the version before has the very same: then the lease takes it up, and it need not be written. 1, 0, -1. */
static int is_kept(struct session *session, const struct blueprint_request *request, const char *lease,
		   const char *json, char **digest, struct error *err)
{
	cleanup_free char *before = NULL, *bytes = NULL;
	size_t length = 0;
	int found;

	if (!request->version_before || !*request->version_before)
		return 0;
	found = find_digest(session, request->snapshotter, request->version_before, &before, err);
	if (found <= 0)
		return found;
	if (ctr_lease_add_content(session->ctr, lease, before, err) < 0)
		return -1;
	if (ctr_content_read(session->ctr, before, &bytes, &length, err) < 0)
		return err->kind == ERROR_NOT_FOUND ? 0 : -1;
	if (length != strlen(json) || memcmp(bytes, json, length) != 0)
		return 0;
	*digest = steal_pointer(before);
	return 1;
}

int blueprint_keep(struct session *session, const struct blueprint_request *request, char **digest, struct error *err)
{
	cleanup_free char *json = blueprint_print(request->container, err), *lease = NULL;
	int kept;

	if (!json)
		return -1;
	lease = text_format("wsnap-%s", request->operation_id);
	if (!lease)
		return error_memory(err);
	kept = is_kept(session, request, lease, json, digest, err);
	if (kept != 0)
		return kept < 0 ? -1 : 0;
	error_clear(err);
	return ctr_content_store(session->ctr, lease, json, strlen(json), digest, err);
}

int blueprint_read(struct session *session, const char *snapshotter, const char *name, char **json, size_t *length,
		   struct error *err)
{
	cleanup_free char *digest = NULL;
	int found = find_digest(session, snapshotter, name, &digest, err);

	if (found <= 0)
		return found;
	if (ctr_content_read(session->ctr, digest, json, length, err) == 0)
		return 1;
	return error_forgive(err, ERROR_NOT_FOUND) ? 0 : -1;
}
