#include "device/ledger.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "device/outdated.h"
#include "device/spec_list.h"
#include "device/tree.h"

static bool is_identical(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(a, b, true);
}

/* The last one: of two equal variables it is the one that counts, and the one that was replaced. */
static cJSON *find_identical(const cJSON *array, const cJSON *item)
{
	cJSON *other, *last = NULL;

	cJSON_ArrayForEach(other, array)
		if (is_identical(other, item))
			last = other;
	return last;
}

static bool is_member_place(const char *at, const char *key)
{
	return key &&
	       ((strcmp(at, "linux") == 0 && strcmp(key, "intelRdt") == 0) || strcmp(at, "linux.netDevices") == 0);
}

/* The item at the entry's place if it is still what was put there. */
static cJSON *find_ours(const cJSON *spec, const char *at, const char *key, const cJSON *item)
{
	cJSON *holder = tree_find(spec, at), *found;

	if (!is_member_place(at, key))
		return cJSON_IsArray(holder) && spec_list_find(at) ? find_identical(holder, item) : NULL;
	found = cJSON_GetObjectItemCaseSensitive(holder, key);
	return is_identical(found, item) ? found : NULL;
}

/* Puts a copy of `with` where `item` is, under the same name, or takes `item` away for NULL. */
static int replace(cJSON *holder, cJSON *item, const cJSON *with, struct error *err)
{
	cJSON *copy;

	if (!with) {
		cJSON_Delete(cJSON_DetachItemViaPointer(holder, item));
		return 0;
	}
	copy = cJSON_Duplicate(with, true);
	if (copy && item->string) {
		free(copy->string);
		copy->string = strdup(item->string);
	}
	if (!copy || (item->string && !copy->string)) {
		cJSON_Delete(copy);
		return error_memory(err);
	}
	cJSON_ReplaceItemViaPointer(holder, item, copy);
	return 0;
}

static int take_out(cJSON *spec, const cJSON *entry, struct error *err)
{
	const char *at = json_text(entry, "at");
	cJSON *ours;

	if (!at)
		return 0;
	ours = find_ours(spec, at, json_text(entry, "key"), cJSON_GetObjectItemCaseSensitive(entry, "item"));
	if (!ours)
		return 0;
	if (replace(tree_find(spec, at), ours, cJSON_GetObjectItemCaseSensitive(entry, "was"), err) < 0)
		return -1;
	tree_prune(spec, at);
	return 0;
}

static cJSON *find_annotation(const cJSON *spec)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(spec, "annotations"),
						LEDGER_ANNOTATION);
}

/* The entries of the last time. A text that is none of ours cannot be taken back, which must not keep a
 * workspace from its versions. */
static cJSON *read_entries(const cJSON *spec)
{
	const char *text = cJSON_GetStringValue(find_annotation(spec));
	struct error problem;
	cJSON *entries;

	if (!text)
		return NULL;
	entries = json_parse_exact(text, strlen(text), "the annotation '" LEDGER_ANNOTATION "'", &problem);
	if (!entries)
		log_warning("earlier device edits stay in the spec: %s", problem.message);
	return entries;
}

/* A copy as a member, or with a NULL key as an item of an array. */
static int add_copy(cJSON *to, const char *key, const cJSON *item, struct error *err)
{
	cJSON *copy = cJSON_Duplicate(item, true);

	if (copy && (key ? cJSON_AddItemToObject(to, key, copy) : cJSON_AddItemToArray(to, copy)))
		return 0;
	cJSON_Delete(copy);
	return error_memory(err);
}

/* The annotation may have been written by anybody: what does not look like one of our entries is left out. */
static bool is_found(const cJSON *entry)
{
	return json_true(entry, "found") && json_text(entry, "at") && cJSON_GetObjectItemCaseSensitive(entry, "item");
}

int ledger_open(struct ledger *ledger, cJSON *spec, struct error *err)
{
	cleanup_json cJSON *old = read_entries(spec);
	const cJSON *entry;

	ledger->spec = spec;
	ledger->entries = cJSON_CreateArray();
	ledger->found = cJSON_CreateArray();
	if (!ledger->entries || !ledger->found)
		return error_memory(err);
	cJSON_ArrayForEach(entry, old)
		if (is_found(entry) ? add_copy(ledger->found, NULL, entry, err) < 0 : take_out(spec, entry, err) < 0)
			return -1;
	return 0;
}

static cJSON *find_entry(const cJSON *entries, const char *at, const char *key, const cJSON *item)
{
	cJSON *entry;

	cJSON_ArrayForEach(entry, entries) {
		const char *entry_key = json_text(entry, "key");

		if (strcmp(json_text(entry, "at"), at) == 0 &&
		    (key ? entry_key && strcmp(entry_key, key) == 0
			 : is_identical(cJSON_GetObjectItemCaseSensitive(entry, "item"), item)))
			return entry;
	}
	return NULL;
}

/* Remembers that `item` is put in instead of `was` (or NULL). If `was` was put in by us in this run, its entry gets
 * the new item, and what it replaced stays noted. */
static int remember(struct ledger *ledger, const char *at, const char *key, const cJSON *item, const cJSON *was,
		    struct error *err)
{
	cJSON *entry = was ? find_entry(ledger->entries, at, key, was) : NULL;

	if (entry)
		return replace(entry, cJSON_GetObjectItemCaseSensitive(entry, "item"), item, err);
	entry = cJSON_CreateObject();
	if (!entry || !cJSON_AddItemToArray(ledger->entries, entry)) {
		cJSON_Delete(entry);
		return error_memory(err);
	}
	/* If `was` comes from a device file too, it is not what the spec had before there were devices: it is not
	 * brought back. */
	if (was && find_entry(ledger->found, at, key, was))
		was = NULL;
	if (json_add_text(entry, "at", at, err) < 0 || (key && json_add_text(entry, "key", key, err) < 0) ||
	    add_copy(entry, "item", item, err) < 0 || (was && add_copy(entry, "was", was, err) < 0))
		return -1;
	return 0;
}

static int remember_found(struct ledger *ledger, const char *at, const cJSON *item, struct error *err)
{
	cJSON *entry;

	if (find_entry(ledger->entries, at, NULL, item))
		return 0;
	entry = cJSON_CreateObject();
	if (!entry || !cJSON_AddItemToArray(ledger->entries, entry)) {
		cJSON_Delete(entry);
		return error_memory(err);
	}
	if (json_add_text(entry, "at", at, err) < 0 || add_copy(entry, "item", item, err) < 0)
		return -1;
	return cJSON_AddTrueToObject(entry, "found") ? 0 : error_memory(err);
}

/* Of the same file or folder: whoever put it in may have spelled its options in another way. */
static bool is_same_source(const cJSON *a, const cJSON *b)
{
	const char *first = json_text(a, "source"), *second = json_text(b, "source");

	return first && second && strcmp(first, second) == 0;
}

int ledger_put(struct ledger *ledger, enum spec_list_id id, cJSON *item, struct error *err)
{
	cleanup_json cJSON *owned = item;
	const struct spec_list *list = spec_list_of(id);
	cJSON *array, *other;

	if (!item)
		return error_memory(err);
	array = tree_make_array(ledger->spec, list->path, err);
	if (!array)
		return -1;
	other = spec_list_same(list, array, item);
	if (other && id == SPEC_MOUNTS && is_same_source(other, item)) {
		if (remember_found(ledger, list->path, item, err) < 0)
			return -1;
		cJSON_ReplaceItemViaPointer(array, other, steal_pointer(owned));
		return 0;
	}
	if (other && is_identical(other, item))
		return 0;
	if (remember(ledger, list->path, NULL, item, other, err) < 0)
		return -1;
	if (other)
		cJSON_ReplaceItemViaPointer(array, other, steal_pointer(owned));
	else
		tree_insert(array, spec_list_before(list, array, item), steal_pointer(owned));
	return 0;
}

int ledger_set(struct ledger *ledger, const char *at, const char *key, cJSON *item, struct error *err)
{
	cleanup_json cJSON *owned = item;
	cJSON *object, *other;

	if (!item)
		return error_memory(err);
	object = tree_make_object(ledger->spec, at, err);
	if (!object)
		return -1;
	other = cJSON_GetObjectItemCaseSensitive(object, key);
	if (other && is_identical(other, item))
		return 0;
	if (remember(ledger, at, key, item, other, err) < 0)
		return -1;
	if (other)
		return replace(object, other, item, err);
	if (!cJSON_AddItemToObject(object, key, item))
		return error_memory(err);
	owned = NULL;
	return 0;
}

/* Whether an entry stands for the item, or with `looks` for another version of it. */
static bool is_described(const struct ledger *ledger, const char *at, const cJSON *item, bool looks)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, ledger->entries) {
		const cJSON *described = cJSON_GetObjectItemCaseSensitive(entry, "item");

		if (strcmp(json_text(entry, "at"), at) == 0 &&
		    (looks ? outdated_looks_like(item, described) : is_identical(item, described)))
			return true;
	}
	return false;
}

static void drop_outdated_of(struct ledger *ledger, const struct spec_list *list)
{
	cJSON *array = tree_find(ledger->spec, list->path), *item, *next;

	for (item = array ? array->child : NULL; item; item = next) {
		next = item->next;
		if (outdated_is_possible(list, item) && !is_described(ledger, list->path, item, false) &&
		    is_described(ledger, list->path, item, true))
			cJSON_Delete(cJSON_DetachItemViaPointer(array, item));
	}
}

int ledger_drop_outdated(struct ledger *ledger, struct error *err)
{
	const cJSON *entry;

	cJSON_ArrayForEach(entry, ledger->found)
		if (!find_entry(ledger->entries, json_text(entry, "at"), NULL,
				cJSON_GetObjectItemCaseSensitive(entry, "item")) &&
		    take_out(ledger->spec, entry, err) < 0)
			return -1;
	drop_outdated_of(ledger, spec_list_of(SPEC_MOUNTS));
	for (int id = SPEC_PRESTART; id <= SPEC_POSTSTOP; id++)
		drop_outdated_of(ledger, spec_list_of((enum spec_list_id)id));
	return 0;
}

int ledger_close(struct ledger *ledger, struct error *err)
{
	cleanup_free char *text = NULL;
	cleanup_json cJSON *value = NULL;
	cJSON *annotations, *old = find_annotation(ledger->spec);

	if (!ledger->entries->child) {
		if (old) {
			annotations = tree_find(ledger->spec, "annotations");
			cJSON_Delete(cJSON_DetachItemViaPointer(annotations, old));
			tree_prune(ledger->spec, "annotations");
		}
		return 0;
	}
	text = json_print(ledger->entries, err);
	annotations = text ? tree_make_object(ledger->spec, "annotations", err) : NULL;
	if (!annotations)
		return -1;
	value = cJSON_CreateString(text);
	if (!value)
		return error_memory(err);
	if (old)
		return replace(annotations, old, value, err);
	if (!cJSON_AddItemToObject(annotations, LEDGER_ANNOTATION, value))
		return error_memory(err);
	value = NULL;
	return 0;
}

void ledger_release(struct ledger *ledger)
{
	cJSON_Delete(ledger->entries);
	cJSON_Delete(ledger->found);
	ledger->entries = ledger->found = NULL;
}
