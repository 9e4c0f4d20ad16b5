/*
 * Merging on random trees: layers are written through real overlay mounts, some of them are
 * merged, and the chain with the merged layer must show what the old chain shows. Every other tree's overlays are
 * mounted with `userxattr`.
 *
 *     layer_trees [SEED COUNT [FOLDER]]
 *
 * COUNT trees on each of ext4, xfs and btrfs, in image files below FOLDER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/inodes.h"
#include "layer/layer.h"
#include "support/filesystems.h"
#include "support/scratch.h"
#include "support/tree_compare.h"
#include "support/tree_random.h"

#define LAYERS_MAX 12
#define FOLDERS_MAX 100

static uint64_t first_seed = 1;
static unsigned tree_count = 30;

/* One tree: its folder, and the chain of layers, newest first. */
struct tree {
	const char *root;
	uint64_t seed, state;
	enum layer_marks marks;
	const char *layers[LAYERS_MAX];
	size_t count;
	char *folders[FOLDERS_MAX]; /* all that were made */
	unsigned made;
};

static unsigned long entries_compared, layers_merged, unchanged_layers, same_stacks, different_stacks;

static const char *new_folder(struct tree *tree)
{
	char *path = text_format("%s/%u", tree->root, tree->made);

	assert_true(path && tree->made < FOLDERS_MAX);
	assert_int_equal(mkdir(path, 0755), 0);
	return tree->folders[tree->made++] = path;
}

static void push_layer(struct tree *tree, const char *layer)
{
	assert_true(tree->count + 1 < LAYERS_MAX);
	memmove(tree->layers + 1, tree->layers, tree->count * sizeof(*tree->layers));
	tree->layers[0] = layer;
	tree->count++;
}

static void assert_same(const struct tree *tree, const char *a, const char *b, bool loosely, const char *what)
{
	cleanup_text struct text difference = { 0 };

	if (!trees_equal(a, b, loosely, &difference))
		fail_msg("%s, seed %llu: %s", what, (unsigned long long)tree->seed, difference.data);
	entries_compared += trees_compared();
}

/* What layer_changes_nothing says of the newest layer must be true. */
static void check_unchanged(struct tree *tree)
{
	const char *with = new_folder(tree);
	const char *without = new_folder(tree);
	const char *below[LAYERS_MAX + 1];
	struct error err = { 0 };
	int unchanged = layer_changes_nothing(tree->marks, tree->layers[0], tree->layers + 1, tree->count - 1, &err);

	assert_string_equal(err.message, "");
	if (unchanged == 0)
		return;
	unchanged_layers++;
	memcpy(below, tree->layers, sizeof(tree->layers));
	below[tree->count] = new_folder(tree);
	overlay_mount(with, below, tree->count + 1, NULL, NULL);
	overlay_mount(without, below + 1, tree->count, NULL, NULL);
	assert_same(tree, with, without, true, "a layer without changes");
	overlay_unmount(without);
	overlay_unmount(with);
}

static void add_layer(struct tree *tree)
{
	static const unsigned amounts[] = { 1, 5, 40, 150 };
	const char *mountpoint = new_folder(tree);
	const char *work = new_folder(tree);
	const char *upper = new_folder(tree);

	overlay_mount(mountpoint, tree->layers, tree->count, upper, work);
	tree_change(mountpoint, amounts[random_below(&tree->state, 4)], &tree->state);
	overlay_unmount(mountpoint);
	push_layer(tree, upper);
	check_unchanged(tree);
}

static void make_layers(struct tree *tree)
{
	push_layer(tree, new_folder(tree));
	tree_change(tree->layers[0], 200, &tree->state);
	for (unsigned more = 2 + random_below(&tree->state, 5); more > 0; more--)
		add_layer(tree);
}

/* Adds the files below `path`: how many names there are, and how many their inodes say that there are. */
static void count_links(const char *path, struct inodes *inodes, unsigned long *names, unsigned long *links)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	struct error err = { 0 };

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		cleanup_free char *name = text_format("%s/%s", path, entry->d_name);
		struct stat status;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		assert_int_equal(lstat(name, &status), 0);
		if (S_ISDIR(status.st_mode)) {
			count_links(name, inodes, names, links);
			continue;
		}
		++*names;
		if (inodes_find(inodes, &status))
			continue;
		*links += status.st_nlink;
		assert_int_equal(inodes_add(inodes, &status, NULL, &err), 0);
	}
	closedir(dir);
}

/* No file of a merged layer has a name in another one. */
static void check_links(const struct tree *tree, const char *merged)
{
	cleanup_inodes struct inodes inodes = { 0 };
	unsigned long names = 0, links = 0;

	count_links(merged, &inodes, &names, &links);
	if (names != links)
		fail_msg("seed %llu: %lu names, %lu links", (unsigned long long)tree->seed, names, links);
}

/* Replaces some layers of the chain by their merge. */
static void merge_some(struct tree *tree, const char **chain, size_t *count)
{
	size_t first = random_below(&tree->state, (unsigned)*count);
	size_t length = 1 + random_below(&tree->state, (unsigned)(*count - first));
	const char *target = new_folder(tree);
	struct layer_merge_result result;
	struct error err = { 0 };

	layer_merge(tree->marks, chain + first, length, target, &result, &err);
	assert_string_equal(err.message, "");
	check_links(tree, target);
	chain[first] = target;
	memmove(chain + first + 1, chain + first + length, (*count - first - length) * sizeof(*chain));
	*count -= length - 1;
	layers_merged += length;
}

static void compare_chains(struct tree *tree, const char **chain, size_t count)
{
	const char *old_view = new_folder(tree);
	const char *new_view = new_folder(tree);

	/* An overlay without an upper layer wants two. */
	tree->layers[tree->count] = chain[count] = new_folder(tree);
	overlay_mount(old_view, tree->layers, tree->count + 1, NULL, NULL);
	overlay_mount(new_view, chain, count + 1, NULL, NULL);
	assert_same(tree, old_view, new_view, false, "merged layers");
	overlay_unmount(new_view);
	overlay_unmount(old_view);
}

/* What layer_same_trees says of two stacks must be what their overlays show. */
static void check_stacks(struct tree *tree, const char *const *one, size_t one_count, const char *const *other,
			 size_t other_count)
{
	const struct layer_stack stacks[2] = { { one, one_count }, { other, other_count } };
	const char *views[2] = { new_folder(tree), new_folder(tree) };
	cleanup_text struct text difference = { 0 };
	struct error err = { 0 };
	int same = layer_same_trees(tree->marks, &stacks[0], &stacks[1], &err);

	assert_string_equal(err.message, "");
	for (int i = 0; i < 2; i++) {
		const char *layers[LAYERS_MAX + 1];

		memcpy(layers, stacks[i].layers, stacks[i].count * sizeof(*layers));
		layers[stacks[i].count] = new_folder(tree);
		overlay_mount(views[i], layers, stacks[i].count + 1, NULL, NULL);
	}
	if (trees_equal(views[0], views[1], true, &difference) != (same == 1))
		fail_msg("seed %llu: layer_same_trees says %d, but: %s", (unsigned long long)tree->seed, same,
			 difference.data ? difference.data : "both show the same");
	same_stacks += same == 1;
	different_stacks += same == 0;
	overlay_unmount(views[0]);
	overlay_unmount(views[1]);
}

/* The merged chain, without and with a layer on top, against the one that it came from and what that was before. */
static void check_comparison(struct tree *tree, const char **chain, size_t count)
{
	const char *mountpoint = new_folder(tree), *work = new_folder(tree), *upper = new_folder(tree);
	size_t less = random_below(&tree->state, (unsigned)tree->count);
	const char *above[LAYERS_MAX];

	check_stacks(tree, chain, count, tree->layers, tree->count);
	check_stacks(tree, chain, count, tree->layers + less, tree->count - less);
	overlay_mount(mountpoint, chain, count, upper, work);
	tree_change(mountpoint, random_below(&tree->state, 4), &tree->state);
	overlay_unmount(mountpoint);
	above[0] = upper;
	memcpy(above + 1, chain, count * sizeof(*chain));
	check_stacks(tree, above, count + 1, tree->layers, tree->count);
	check_stacks(tree, tree->layers, tree->count, above, count + 1);
}

static void check_tree(const char *root, uint64_t seed)
{
	struct tree tree = { .root = root, .seed = seed, .state = seed };
	const char *chain[LAYERS_MAX];
	struct error err = { 0 };
	size_t count;

	tree.marks = seed % 2 ? LAYER_MARKS_USER : LAYER_MARKS_TRUSTED;
	overlay_use_userxattr(tree.marks == LAYER_MARKS_USER);
	make_layers(&tree);
	memcpy(chain, tree.layers, sizeof(chain));
	count = tree.count;
	merge_some(&tree, chain, &count);
	merge_some(&tree, chain, &count); /* perhaps what was just merged */
	compare_chains(&tree, chain, count);
	check_comparison(&tree, chain, count);
	for (unsigned i = 0; i < tree.made; i++)
		free(tree.folders[i]);
	layer_clear(root, &err);
	assert_string_equal(err.message, "");
}

static void check_filesystem(const char *type, unsigned megabytes)
{
	struct filesystem filesystem;
	char root[PATH_MAX + 8];

	if (!filesystems_available())
		skip();
	entries_compared = layers_merged = unchanged_layers = same_stacks = different_stacks = 0;
	filesystem_mount(&filesystem, scratch, type, megabytes);
	snprintf(root, sizeof(root), "%s/tree", filesystem.root);
	assert_int_equal(mkdir(root, 0755), 0);
	for (unsigned i = 0; i < tree_count; i++)
		check_tree(root, first_seed + i);
	filesystem_unmount(&filesystem);
	print_message("%s: %u trees, %lu layers merged, %lu entries compared, %lu layers without changes, "
		      "%lu stacks the same and %lu not\n",
		      type, tree_count, layers_merged, entries_compared, unchanged_layers, same_stacks,
		      different_stacks);
	assert_true(entries_compared > 20 * tree_count && layers_merged > tree_count);
	assert_true(same_stacks >= tree_count && different_stacks >= tree_count);
}

static void test_ext4(void **state)
{
	(void)state;
	check_filesystem("ext4", 256);
}

static void test_xfs(void **state)
{
	(void)state;
	check_filesystem("xfs", 320);
}

static void test_btrfs(void **state)
{
	(void)state;
	check_filesystem("btrfs", 256);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ext4),
		cmocka_unit_test(test_xfs),
		cmocka_unit_test(test_btrfs),
	};

	random_arguments(argc, argv, &first_seed, &tree_count);
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
