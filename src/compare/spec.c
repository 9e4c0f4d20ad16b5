#include "compare/spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/text.h"
#include "workspace/blueprint.h"
#include "workspace/history.h"

/* Pairs of elements that are looked at to line two arrays up; above that they differ as a whole. */
#define PAIRS_MOST ((size_t)1 << 22)

void spec_changes_release(struct spec_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].path);
		free(changes->items[i].before);
		free(changes->items[i].now);
	}
	free(changes->items);
	*changes = (struct spec_changes){ 0 };
}

static int grow(struct spec_changes *changes, struct error *err)
{
	size_t capacity = changes->capacity ? changes->capacity * 2 : 16;
	struct spec_change *grown;

	if (changes->count < changes->capacity)
		return 0;
	grown = reallocarray(changes->items, capacity, sizeof(*grown));
	if (!grown)
		return error_memory(err);
	changes->items = grown;
	changes->capacity = capacity;
	return 0;
}

static int add(struct spec_changes *changes, const char *path, const cJSON *before, const cJSON *now, struct error *err)
{
	struct spec_change *change;

	if (grow(changes, err) < 0)
		return -1;
	change = &changes->items[changes->count++];
	*change = (struct spec_change){ .path = strdup(path), .change = !before ? 'A' : !now ? 'D' : 'M' };
	if (!change->path)
		return error_memory(err);
	change->before = before ? json_print(before, err) : NULL;
	change->now = now ? json_print(now, err) : NULL;
	return (before && !change->before) || (now && !change->now) ? -1 : 0;
}

/* The path of a member, in which '~' and '/' are written as the pointer wants it. The caller frees. */
static char *path_of_member(const char *path, const char *key, struct error *err)
{
	cleanup_text struct text made = { 0 };

	text_printf(&made, "%s/", path);
	for (; *key; key++) {
		if (*key == '~' || *key == '/')
			text_add(&made, *key == '~' ? "~0" : "~1");
		else
			text_append(&made, key, 1);
	}
	if (made.failed)
		error_memory(err);
	return text_steal(&made);
}

static int compare(const char *path, const cJSON *before, const cJSON *now, struct spec_changes *changes,
		   struct error *err);

static int compare_member(const char *path, const char *key, const cJSON *before, const cJSON *now,
			  struct spec_changes *changes, struct error *err)
{
	cleanup_free char *member = path_of_member(path, key, err);

	if (!member)
		return -1;
	return before && now ? compare(member, before, now, changes, err) : add(changes, member, before, now, err);
}

static int compare_objects(const char *path, const cJSON *before, const cJSON *now, struct spec_changes *changes,
			   struct error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, before)
		if (compare_member(path, item->string, item, cJSON_GetObjectItemCaseSensitive(now, item->string),
				   changes, err) < 0)
			return -1;
	cJSON_ArrayForEach(item, now)
		if (!cJSON_GetObjectItemCaseSensitive(before, item->string) &&
		    compare_member(path, item->string, NULL, item, changes, err) < 0)
			return -1;
	return 0;
}

/* --- arrays --------------------------------------------------------------------------------------- */

struct side {
	const cJSON **items;
	size_t count;
};

struct arrays {
	const char *path;
	struct side before, now;
	unsigned *common; /* [i][j]: how many elements the rests from i and from j have in common, at most */
	struct spec_changes *changes;
};

static void arrays_release(struct arrays *arrays)
{
	free(arrays->before.items);
	free(arrays->now.items);
	free(arrays->common);
}

#define cleanup_arrays __attribute__((cleanup(arrays_release)))

static int read_side(const cJSON *array, struct side *side, struct error *err)
{
	const cJSON *item;

	side->items = calloc((size_t)cJSON_GetArraySize(array) + 1, sizeof(*side->items));
	if (!side->items)
		return error_memory(err);
	cJSON_ArrayForEach(item, array)
		side->items[side->count++] = item;
	return 0;
}

static unsigned *common_at(struct arrays *arrays, size_t i, size_t j)
{
	return &arrays->common[i * (arrays->now.count + 1) + j];
}

static bool is_same(const struct arrays *arrays, size_t i, size_t j)
{
	return cJSON_Compare(arrays->before.items[i], arrays->now.items[j], true);
}

static int count_common(struct arrays *arrays, struct error *err)
{
	arrays->common = calloc((arrays->before.count + 1) * (arrays->now.count + 1), sizeof(*arrays->common));
	if (!arrays->common)
		return error_memory(err);
	for (size_t i = arrays->before.count; i-- > 0;)
		for (size_t j = arrays->now.count; j-- > 0;) {
			unsigned one = *common_at(arrays, i + 1, j), other = *common_at(arrays, i, j + 1);

			*common_at(arrays, i, j) = is_same(arrays, i, j) ? *common_at(arrays, i + 1, j + 1) + 1
						   : one > other         ? one
									 : other;
		}
	return 0;
}

static int compare_element(struct arrays *arrays, size_t at, const cJSON *before, const cJSON *now, struct error *err)
{
	cleanup_free char *path = text_format("%s/%zu", arrays->path, at);

	if (!path)
		return error_memory(err);
	return before && now ? compare(path, before, now, arrays->changes, err)
			     : add(arrays->changes, path, before, now, err);
}

/* A gap between elements that both have: from `i` to `i_end` on one side, from `j` to `j_end` on the other. */
static int compare_gap(struct arrays *arrays, size_t i, size_t i_end, size_t j, size_t j_end, struct error *err)
{
	for (; i < i_end || j < j_end; i += i < i_end, j += j < j_end)
		if (compare_element(arrays, j < j_end ? j : i, i < i_end ? arrays->before.items[i] : NULL,
				    j < j_end ? arrays->now.items[j] : NULL, err) < 0)
			return -1;
	return 0;
}

static int walk(struct arrays *arrays, struct error *err)
{
	size_t i = 0, j = 0, i_gap = 0, j_gap = 0;

	while (i < arrays->before.count && j < arrays->now.count) {
		if (is_same(arrays, i, j)) {
			if (compare_gap(arrays, i_gap, i, j_gap, j, err) < 0)
				return -1;
			i_gap = ++i;
			j_gap = ++j;
		} else if (*common_at(arrays, i + 1, j) >= *common_at(arrays, i, j + 1)) {
			i++;
		} else {
			j++;
		}
	}
	return compare_gap(arrays, i_gap, arrays->before.count, j_gap, arrays->now.count, err);
}

static int compare_arrays(const char *path, const cJSON *before, const cJSON *now, struct spec_changes *changes,
			  struct error *err)
{
	cleanup_arrays struct arrays arrays = { .path = path, .changes = changes };

	if (read_side(before, &arrays.before, err) < 0 || read_side(now, &arrays.now, err) < 0)
		return -1;
	if ((arrays.before.count + 1) * (arrays.now.count + 1) > PAIRS_MOST)
		return add(changes, path, before, now, err);
	return count_common(&arrays, err) < 0 ? -1 : walk(&arrays, err);
}

/* -------------------------------------------------------------------------------------------------- */

/* No deeper than the parser goes. */
static int compare(const char *path, const cJSON *before, const cJSON *now, struct spec_changes *changes,
		   struct error *err)
{
	if (cJSON_Compare(before, now, true))
		return 0;
	if (cJSON_IsObject(before) && cJSON_IsObject(now))
		return compare_objects(path, before, now, changes, err);
	if (cJSON_IsArray(before) && cJSON_IsArray(now))
		return compare_arrays(path, before, now, changes, err);
	return add(changes, path, before, now, err);
}

static cJSON *parse(const char *json, struct error *err)
{
	return json_parse_exact(json, strlen(json), "what is kept of the container", err);
}

int spec_compare(const char *before, const char *now, struct spec_changes *changes, struct error *err)
{
	cleanup_json cJSON *one = parse(before, err), *other = one ? parse(now, err) : NULL;

	return other ? compare("", one, other, changes, err) : -1;
}

/* One that is not here is missing; one of another tool's, or of a wsnap that did not keep it yet, has none. */
static char *read_version(struct session *session, const char *container_id, const struct store_version *row,
			  struct error *err)
{
	cleanup_free char *operation = NULL, *kept = NULL;
	size_t length = 0;
	int found = history_operation_of(session, row, &operation, err);

	if (found == 0)
		history_is_missing(session, container_id, row, err);
	if (found <= 0)
		return NULL;
	found = blueprint_read(session, row->snapshotter, row->runtime_name, &kept, &length, err);
	if (found == 0) {
		error_set(err, ERROR_NOT_FOUND, "nothing is kept of what made the container of version %d of '%s'",
			  row->version, container_id);
		error_hint(err, "versions that are saved from now on have it");
	}
	return found > 0 ? steal_pointer(kept) : NULL;
}

static char *read_present(const struct target *target, struct error *err)
{
	if (target->present)
		return blueprint_print(&target->container, err);
	error_set(err, ERROR_NOT_FOUND, "'%s' has no container here: it has no present", target->container_id);
	error_hint(err, "'wsnap diff %s A B --spec' compares two versions", target->container_id);
	return NULL;
}

int spec_compare_versions(struct session *session, const struct target *target, const struct store_version *before,
			  const struct store_version *now, struct spec_changes *changes, struct error *err)
{
	const char *id = target->container_id;
	cleanup_free char *one = read_version(session, id, before, err), *other = NULL;

	if (!one)
		return -1;
	other = now ? read_version(session, id, now, err) : read_present(target, err);
	return other ? spec_compare(one, other, changes, err) : -1;
}
