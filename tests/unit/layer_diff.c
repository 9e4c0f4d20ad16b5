/*
 * What differs in two stacks of layers, against a plain walk of both trees through real overlay mounts: random layers,
 * branches that share some of them, layers that were merged in between, on pairs without end.
 *
 *     layer_diff [SEED COUNT]
 *
 * COUNT trees; each makes several pairs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/layer.h"
#include "support/filesystems.h"
#include "support/scratch.h"
#include "support/tree_random.h"

#define LAYERS_MAX 16
#define FOLDERS_MAX 200
#define LINES_MAX 20000

static uint64_t first_seed = 1;
static unsigned tree_count = 90;
static unsigned long pairs, changes_told, pairs_without;

struct chain {
	const char *layers[LAYERS_MAX];
	size_t count;
};

struct tree {
	const char *root;
	uint64_t seed, state;
	enum layer_marks marks;
	char *folders[FOLDERS_MAX];
	unsigned made;
};

/* Lines "M f 12 7 /etc/hosts", sorted. */
struct lines {
	char *items[LINES_MAX];
	size_t count;
};

static void add_line(struct lines *lines, char change, mode_t mode, off_t size, off_t before, const char *path)
{
	static const char kinds[] = "?pc?d?b?-?l?s???"; /* by S_IFMT >> 12 */
	bool sized = S_ISREG(mode) || S_ISLNK(mode);

	assert_true(lines->count < LINES_MAX);
	lines->items[lines->count] = text_format("%c %c %lld %lld %s", change, kinds[(mode & S_IFMT) >> 12],
						 sized ? (long long)size : 0, sized ? (long long)before : 0, path);
	assert_non_null(lines->items[lines->count++]);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(strchr(*(char *const *)a, '/'), strchr(*(char *const *)b, '/'));
}

static void sort_lines(struct lines *lines)
{
	if (lines->count)
		qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
}

static void release_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	lines->count = 0;
}

/* --- the plain walk ------------------------------------------------------------------------------ */

static bool same_bytes(const char *a, const char *b, off_t size)
{
	cleanup_file FILE *left = fopen(a, "re"), *right = fopen(b, "re");

	assert_true(left && right);
	for (off_t i = 0; i < size; i++)
		if (getc(left) != getc(right))
			return false;
	return true;
}

static bool has_all(const char *a, const char *b)
{
	static char list[65536], value[65536], other[65536];
	ssize_t length = llistxattr(a, list, sizeof(list));

	assert_true(length >= 0);
	for (const char *name = list; name < list + length; name += strlen(name) + 1) {
		ssize_t size = lgetxattr(a, name, value, sizeof(value));

		assert_true(size >= 0);
		if (lgetxattr(b, name, other, sizeof(other)) != size || memcmp(value, other, (size_t)size) != 0)
			return false;
	}
	return true;
}

static bool same_link(const char *a, const char *b)
{
	char left[PATH_MAX] = "", right[PATH_MAX] = "";

	assert_true(readlink(a, left, sizeof(left) - 1) >= 0 && readlink(b, right, sizeof(right) - 1) >= 0);
	return strcmp(left, right) == 0;
}

static bool same_thing(const char *a, const struct stat *left, const char *b, const struct stat *right)
{
	if (left->st_mode != right->st_mode || left->st_uid != right->st_uid || left->st_gid != right->st_gid)
		return false;
	if (!S_ISDIR(left->st_mode) &&
	    (left->st_size != right->st_size || left->st_rdev != right->st_rdev ||
	     left->st_mtim.tv_sec != right->st_mtim.tv_sec || left->st_mtim.tv_nsec != right->st_mtim.tv_nsec))
		return false;
	if (!has_all(a, b) || !has_all(b, a))
		return false;
	if (S_ISREG(left->st_mode))
		return same_bytes(a, b, left->st_size);
	return !S_ISLNK(left->st_mode) || same_link(a, b);
}

static void walk_plainly(const char *now, const char *before, const char *path, struct lines *lines);

/* Names of `list`; those that `other` has too only if `both`. */
static void walk_names(const char *list, const char *other, const char *now, const char *before, const char *path,
		       bool both, struct lines *lines)
{
	cleanup_dir DIR *dir = list ? opendir(list) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *paths[4] = { text_format("%s/%s", now ? now : "", entry->d_name),
				   text_format("%s/%s", before ? before : "", entry->d_name),
				   text_format("%s/%s", path, entry->d_name),
				   text_format("%s/%s", other ? other : "", entry->d_name) };
		struct stat status;
		bool dots = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;

		if (!dots && (both || !other || lstat(paths[3], &status) < 0))
			walk_plainly(now ? paths[0] : NULL, before ? paths[1] : NULL, paths[2], lines);
		for (int i = 0; i < 4; i++)
			free(paths[i]);
	}
}

static void walk_plainly(const char *now, const char *before, const char *path, struct lines *lines)
{
	struct stat left, right;
	bool is = now && lstat(now, &left) == 0, was = before && lstat(before, &right) == 0;
	bool is_folder = is && S_ISDIR(left.st_mode), was_folder = was && S_ISDIR(right.st_mode);

	if (!is || !was || !same_thing(now, &left, before, &right))
		add_line(lines,
			 is && was ? 'M'
			 : is      ? 'A'
				   : 'D',
			 is ? left.st_mode : right.st_mode, is ? left.st_size : 0, was ? right.st_size : 0,
			 *path ? path : "/");
	if (is_folder)
		walk_names(now, NULL, now, was_folder ? before : NULL, path, true, lines);
	if (was_folder)
		walk_names(before, is_folder ? now : NULL, is_folder ? now : NULL, before, path, false, lines);
}

/* --- the comparison by layers ---------------------------------------------------------------------- */

static int keep_change(const struct layer_change *change, void *context, struct error *err)
{
	(void)err;
	assert_true((change->now != NULL) == (change->change != 'D'));
	assert_true((change->before != NULL) == (change->change != 'A'));
	add_line(context, change->change, change->mode, change->size, change->size_before, change->path);
	return 0;
}

static const char *new_folder(struct tree *tree)
{
	char *path = text_format("%s/%u", tree->root, tree->made);

	assert_true(path && tree->made < FOLDERS_MAX);
	assert_int_equal(mkdir(path, 0755), 0);
	return tree->folders[tree->made++] = path;
}

static const char *view(struct tree *tree, const struct chain *chain)
{
	const char *mountpoint = new_folder(tree), *layers[LAYERS_MAX + 1];

	memcpy(layers, chain->layers, chain->count * sizeof(*layers));
	layers[chain->count] = new_folder(tree); /* an overlay without an upper layer wants two */
	overlay_mount(mountpoint, layers, chain->count + 1, NULL, NULL);
	return mountpoint;
}

static void same_lines(const struct tree *tree, const struct lines *wanted, const struct lines *found)
{
	for (size_t i = 0; i < wanted->count || i < found->count; i++) {
		const char *left = i < wanted->count ? wanted->items[i] : "(no more)";
		const char *right = i < found->count ? found->items[i] : "(no more)";

		if (strcmp(left, right) != 0)
			fail_msg("seed %llu: wanted '%s', found '%s'", (unsigned long long)tree->seed, left, right);
	}
}

static void check_pair(struct tree *tree, const struct chain *now, const struct chain *before)
{
	const struct layer_stack stacks[] = { { now->layers, now->count }, { before->layers, before->count } };
	const char *views[] = { view(tree, now), view(tree, before) };
	struct lines wanted = { 0 }, found = { 0 }, plain = { 0 };
	const struct layer_diff diff = { .each = keep_change, .context = &found };
	const struct layer_diff walk = { .each = keep_change, .context = &plain };
	struct error err = { 0 };

	walk_plainly(views[0], views[1], "", &wanted);
	assert_int_equal(layer_diff(tree->marks, &stacks[0], &stacks[1], &diff, &err), 0);
	assert_int_equal(layer_diff(LAYER_MARKS_NONE, &(struct layer_stack){ &views[0], 1 },
				    &(struct layer_stack){ &views[1], 1 }, &walk, &err),
			 0);
	sort_lines(&wanted);
	sort_lines(&found);
	sort_lines(&plain);
	same_lines(tree, &wanted, &found);
	same_lines(tree, &wanted, &plain);
	pairs++;
	pairs_without += wanted.count == 0;
	changes_told += wanted.count;
	overlay_unmount(views[1]);
	overlay_unmount(views[0]);
	release_lines(&wanted);
	release_lines(&found);
	release_lines(&plain);
}

static void add_layer(struct tree *tree, struct chain *chain)
{
	static const unsigned amounts[] = { 0, 1, 5, 40, 100 };
	const char *mountpoint = new_folder(tree), *work = new_folder(tree), *upper = new_folder(tree);

	assert_true(chain->count + 1 < LAYERS_MAX);
	overlay_mount(mountpoint, chain->layers, chain->count, upper, work);
	tree_change(mountpoint, amounts[random_below(&tree->state, 5)], &tree->state);
	overlay_unmount(mountpoint);
	memmove(chain->layers + 1, chain->layers, chain->count * sizeof(*chain->layers));
	chain->layers[0] = upper;
	chain->count++;
}

/* Some of the chain's layers are merged, as `compact` does. */
static struct chain merged(struct tree *tree, const struct chain *chain)
{
	struct chain result = *chain;
	size_t first = random_below(&tree->state, (unsigned)chain->count);
	size_t length = 1 + random_below(&tree->state, (unsigned)(chain->count - first));
	struct layer_merge_result ignored;
	struct error err = { 0 };

	result.layers[first] = new_folder(tree);
	assert_int_equal(layer_merge(tree->marks, chain->layers + first, length, result.layers[first], &ignored, &err),
			 0);
	memmove(result.layers + first + 1, result.layers + first + length,
		(chain->count - first - length) * sizeof(*result.layers));
	result.count -= length - 1;
	return result;
}

static void check_tree(const char *root, uint64_t seed)
{
	struct tree tree = { .root = root, .seed = seed, .state = seed };
	struct chain one = { .count = 1 }, other, compacted;
	struct error err = { 0 };

	tree.marks = seed % 2 ? LAYER_MARKS_USER : LAYER_MARKS_TRUSTED;
	overlay_use_userxattr(tree.marks == LAYER_MARKS_USER);
	one.layers[0] = new_folder(&tree);
	tree_change(one.layers[0], 150, &tree.state);
	for (unsigned more = random_below(&tree.state, 3); more > 0; more--)
		add_layer(&tree, &one);
	other = one; /* a rollback makes a branch */
	for (unsigned more = 1 + random_below(&tree.state, 3); more > 0; more--)
		add_layer(&tree, &one);
	for (unsigned more = random_below(&tree.state, 3); more > 0; more--)
		add_layer(&tree, &other);
	check_pair(&tree, &one, &other);
	check_pair(&tree, &other, &one);
	compacted = merged(&tree, &one);
	check_pair(&tree, &compacted, &one);
	add_layer(&tree, &compacted);
	check_pair(&tree, &compacted, &one);
	check_pair(&tree, &other, &compacted);
	compacted = merged(&tree, &compacted);
	check_pair(&tree, &compacted, &other);
	for (unsigned i = 0; i < tree.made; i++)
		free(tree.folders[i]);
	layer_clear(root, &err);
	assert_string_equal(err.message, "");
}

static void layers_tell_what_a_plain_walk_tells(void **state)
{
	struct filesystem filesystem;
	char root[PATH_MAX + 8];

	(void)state;
	if (!filesystems_available())
		skip();
	filesystem_mount(&filesystem, scratch, "ext4", 256);
	snprintf(root, sizeof(root), "%s/tree", filesystem.root);
	assert_int_equal(mkdir(root, 0755), 0);
	for (unsigned i = 0; i < tree_count; i++)
		check_tree(root, first_seed + i);
	filesystem_unmount(&filesystem);
	print_message("%lu pairs, %lu changes, %lu pairs without one\n", pairs, changes_told, pairs_without);
	assert_true(pairs >= 6ul * tree_count && changes_told > 10 * pairs && pairs_without > 0);
}

/* --- what is asked for, and a workspace at work ------------------------------------------------------ */

static int wants_etc(const char *path, void *context)
{
	(void)context;
	return strcmp(path, "/etc") == 0 || text_starts_with(path, "/etc/");
}

static void only_what_is_wanted_is_told(void **state)
{
	cleanup_free char *now = text_format("%s/wanted", scratch), *before = text_format("%s/unwanted", scratch);
	const char *layers[] = { now, before };
	const struct layer_stack stacks[] = { { layers, 2 }, { layers + 1, 1 } };
	struct lines found = { 0 };
	const struct layer_diff diff = { .each = keep_change, .wanted = wants_etc, .context = &found };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkdir(now, 0755) + mkdir(before, 0755), 0);
	assert_int_equal(chdir(now), 0);
	assert_int_equal(mkdir("etc", 0755) + mkdir("etc/deep", 0755) + mkdir("var", 0755) + mkdir("var/log", 0755), 0);
	assert_int_equal(layer_diff(LAYER_MARKS_TRUSTED, &stacks[0], &stacks[1], &diff, &err), 0);
	sort_lines(&found);
	assert_int_equal(found.count, 2);
	assert_string_equal(found.items[0], "A d 0 0 /etc");
	assert_string_equal(found.items[1], "A d 0 0 /etc/deep");
	release_lines(&found);
}

static atomic_bool ended;

/* Makes and removes whole folders, and puts other kinds of things in a file's place. */
static void *work(void *argument)
{
	const char *root = argument;
	uint64_t random = 1;

	while (!atomic_load(&ended)) {
		cleanup_free char *path = text_format("%s/%u", root, random_below(&random, 20));
		cleanup_free char *inner = text_format("%s/inner", path);

		switch (random_below(&random, 5)) {
		case 0:
			mkdir(path, 0755);
			mkdir(inner, 0755);
			break;
		case 1:
			rmdir(inner);
			rmdir(path);
			break;
		case 2:
			if (symlink("elsewhere", path) < 0 && errno == ENOSPC)
				return NULL;
			break;
		case 3:
			close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
			break;
		default:
			unlink(path);
		}
	}
	return NULL;
}

static int forget(const struct layer_change *change, void *context, struct error *err)
{
	(void)change;
	(void)context;
	(void)err;
	return 0;
}

static void what_vanishes_meanwhile_is_passed_over(void **state)
{
	cleanup_free char *now = text_format("%s/busy", scratch), *before = text_format("%s/calm", scratch);
	const char *layers[] = { now, before };
	const struct layer_stack stacks[] = { { layers, 2 }, { layers + 1, 1 } };
	const struct layer_diff diff = { .each = forget };
	struct error err = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(mkdir(now, 0755) + mkdir(before, 0755), 0);
	for (int i = 0; i < 20; i += 2) {
		cleanup_free char *path = text_format("%s/%d", before, i);

		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(pthread_create(&thread, NULL, work, now), 0);
	for (int i = 0; i < 3000; i++)
		if (layer_diff(LAYER_MARKS_TRUSTED, &stacks[0], &stacks[1], &diff, &err) < 0)
			break;
	atomic_store(&ended, true);
	pthread_join(thread, NULL);
	assert_string_equal(err.message, "");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_tell_what_a_plain_walk_tells),
		cmocka_unit_test(only_what_is_wanted_is_told),
		cmocka_unit_test(what_vanishes_meanwhile_is_passed_over),
	};

	random_arguments(argc, argv, &first_seed, &tree_count);
	return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
