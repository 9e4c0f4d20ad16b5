#include "compare/sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "compare/common.h"
#include "workspace/tree.h"
#include "ctr/snapshots.h"
#include "workspace/history.h"
#include "workspace/snapshotter_traits.h"

/* One of the two states. */
struct state {
	const char *snapshotter;
	struct ctr_mounts mounts;
	bool stacks;
	char *upper; /* the present: its writable layer; NULL: it is a version */
	char *below; /* the committed snapshot that it is, or that lies under `upper`; "" for none */
	bool absent; /* there is nothing at all */
};

static void state_release(struct state *state)
{
	ctr_mounts_release(&state->mounts);
	free(state->upper);
	free(state->below);
}

#define cleanup_state __attribute__((cleanup(state_release)))

static bool find_stacks(const struct state *state)
{
	return state->mounts.count == 1 && snapshotter_traits_of(state->snapshotter, &state->mounts.items[0]).stacks;
}

static int find_version(struct comparison *comparison, const struct store_version *row, struct state *state,
			struct error *err)
{
	const struct target *target = comparison->request->target;
	int found;

	state->snapshotter = row->snapshotter;
	state->below = strdup(row->runtime_name);
	if (!state->below)
		return error_memory(err);
	found = held_view(&comparison->held, row->snapshotter, row->runtime_name, &state->mounts, err);
	if (found < 0 && err->kind == ERROR_NOT_FOUND)
		return history_is_missing(comparison->session, target->container_id, row, err);
	state->stacks = found == 0 && find_stacks(state);
	if (state->stacks)
		return held_know(&comparison->held, row->snapshotter, row->runtime_name, &state->mounts, err);
	return found;
}

/* What it has written, with the ids that it bears in a version. */
static const char *open_view(struct comparison *comparison, const struct ctr_mount *mount, const char *upper,
			     struct error *err)
{
	const char *users = snapshotter_mount_uid_map(mount), *groups = snapshotter_mount_gid_map(mount);
	struct id_maps maps;

	if (id_maps_parse(users, groups, &maps, err) == 0)
		comparison->view = mapped_view_open(upper, &maps, err);
	return comparison->view ? mapped_view_path(comparison->view) : NULL;
}

static int keep_upper(struct comparison *comparison, struct state *state, struct error *err)
{
	const struct ctr_mount *mount = &state->mounts.items[0];
	const char *upper = snapshotter_mount_writable(mount);

	if (!upper)
		return error_set(err, ERROR_FAILED, "containerd does not say where the files of the workspace lie");
	if (snapshotter_mount_uid_map(mount) || snapshotter_mount_gid_map(mount))
		upper = open_view(comparison, mount, upper, err);
	if (!upper)
		return -1;
	state->upper = strdup(upper);
	return state->upper ? 0 : error_memory(err);
}

static int no_container(const struct target *target, struct error *err)
{
	error_set(err, ERROR_NOT_FOUND, "'%s' has no container here: it has no present", target->container_id);
	return error_hint(err, "'wsnap diff %s A B' compares two versions", target->container_id);
}

static int find_present(struct comparison *comparison, struct state *state, struct error *err)
{
	const struct target *target = comparison->request->target;
	cleanup_ctr_snapshot struct ctr_snapshot active = { 0 };
	struct ctr *ctr = comparison->session->ctr;
	int found;

	if (!target->present)
		return no_container(target, err);
	state->snapshotter = target->container.snapshotter;
	found = ctr_snapshot_stat(ctr, state->snapshotter, target->container.snapshot_key, &active, err);
	if (found == 0)
		return error_set(err, ERROR_FAILED, "'%s' points at the snapshot '%s', which containerd does not have",
				 target->container_id, target->container.snapshot_key);
	if (found < 0 || ctr_snapshot_mounts(ctr, state->snapshotter, active.name, &state->mounts, err) < 0)
		return -1;
	state->below = strdup(active.parent);
	if (!state->below)
		return error_memory(err);
	state->stacks = find_stacks(state);
	/* A rollback or a merge may take it from under the workspace. */
	if (*active.parent && held_keep(&comparison->held, state->snapshotter, active.parent, err) < 0)
		return -1;
	if (!state->stacks)
		return 0;
	/* What its mount has below is the chain of what it stands on. */
	if (*active.parent && ctr_mount_option(&state->mounts.items[0], "lowerdir") &&
	    held_know(&comparison->held, state->snapshotter, active.parent, &state->mounts, err) < 0)
		return -1;
	return keep_upper(comparison, state, err);
}

static bool has_user_marks(const struct state *state)
{
	return state->mounts.count == 1 && snapshotter_mount_marks(&state->mounts.items[0]) == LAYER_MARKS_USER;
}

static int add_layer(struct compare_stack *stack, const char *path, struct error *err)
{
	char **grown = reallocarray(stack->layers.items, stack->layers.count + 1, sizeof(*grown));

	if (!grown)
		return error_memory(err);
	stack->layers.items = grown;
	grown[stack->layers.count] = strdup(path);
	return grown[stack->layers.count] ? (stack->layers.count++, 0) : error_memory(err);
}

/* The topmost `most` layers of a snapshot. */
static int add_layers(struct comparison *comparison, const char *snapshotter, const char *name, size_t most,
		      struct compare_stack *stack, struct error *err)
{
	const struct layer_paths *layers = most ? held_layers(&comparison->held, snapshotter, name, err) : NULL;

	if (!layers)
		return most ? -1 : 0;
	for (size_t i = 0; i < layers->count && i < most; i++)
		if (add_layer(stack, layers->items[i], err) < 0)
			return -1;
	return 0;
}

static int put_way(struct comparison *comparison, const struct state *state, const struct common_way *way,
		   const char *base, struct compare_stack *stack, struct error *err)
{
	if (state->upper && add_layer(stack, state->upper, err) < 0)
		return -1;
	for (size_t i = 0; i < way->count; i++)
		if (add_layers(comparison, state->snapshotter, way->parts[i].name, way->parts[i].count, stack, err) < 0)
			return -1;
	return base ? add_layers(comparison, state->snapshotter, base, SIZE_MAX, stack, err) : 0;
}

/* Both as layers, with as much in common as can be. */
static int put_stacks(struct comparison *comparison, const struct state *now, const struct state *before,
		      struct error *err)
{
	cleanup_common struct common common = { 0 };

	if (common_find(comparison->session, now->snapshotter, now->below, before->below, &common, err) < 0 ||
	    put_way(comparison, now, &common.one, common.base, &comparison->now, err) < 0 ||
	    put_way(comparison, before, &common.other, common.base, &comparison->before, err) < 0)
		return -1;
	/* A chain of one layer does not show whose marks count: the other side does. */
	comparison->now.marks = comparison->before.marks =
		has_user_marks(now) || has_user_marks(before) ? LAYER_MARKS_USER : LAYER_MARKS_TRUSTED;
	return 0;
}

/* As one tree. */
static int put_tree(const struct state *state, struct compare_stack *stack, struct error *err)
{
	char path[64];

	stack->marks = LAYER_MARKS_NONE;
	stack->tree = tree_mount(&state->mounts, "wsnap", err);
	if (stack->tree < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", stack->tree);
	return add_layer(stack, path, err);
}

int sources_mount(struct comparison *comparison, struct error *err)
{
	struct compare_stack *const stacks[] = { &comparison->now, &comparison->before };
	char path[64];

	for (int i = 0; i < 2; i++) {
		stacks[i]->tree = tree_mount_layers(&stacks[i]->layers, stacks[i]->marks, "wsnap", err);
		if (stacks[i]->tree < 0)
			return -1;
		layer_paths_free(&stacks[i]->layers);
		stacks[i]->layers = (struct layer_paths){ 0 };
		stacks[i]->marks = LAYER_MARKS_NONE;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/.", stacks[i]->tree);
		if (add_layer(stacks[i], path, err) < 0)
			return -1;
	}
	return 0;
}

/* Before the first version there was nothing, as far as anybody knows. */
static int find_before(struct comparison *comparison, const struct state *now, struct state *before, struct error *err)
{
	if (comparison->request->before)
		return find_version(comparison, comparison->request->before, before, err);
	before->snapshotter = now->snapshotter;
	before->stacks = now->stacks;
	before->below = strdup("");
	if (!before->below)
		return error_memory(err);
	return before->stacks ? 0 : error_set(err, ERROR_NOT_FOUND, "nobody knows what was there before");
}

int sources_find(struct comparison *comparison, struct error *err)
{
	const struct compare_request *request = comparison->request;
	cleanup_state struct state now = { 0 }, before = { 0 };
	int found =
		request->now ? find_version(comparison, request->now, &now, err) : find_present(comparison, &now, err);

	if (found < 0 || find_before(comparison, &now, &before, err) < 0)
		return -1;
	if (now.stacks && before.stacks && strcmp(now.snapshotter, before.snapshotter) == 0)
		return put_stacks(comparison, &now, &before, err);
	return put_tree(&now, &comparison->now, err) < 0 ? -1 : put_tree(&before, &comparison->before, err);
}
