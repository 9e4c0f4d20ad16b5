/*
 * Entries of one tree made what they are in another: random pairs of trees, in plain folders and through overlay mounts,
 * whole and in part, and cut off at any moment and done again from the list on the disk.
 *
 *     replace_trees [SEED COUNT]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "replace/replace.h"
#include "replace/worklist.h"
#include "support/filesystems.h"
#include "support/scratch.h"
#include "support/tree_compare.h"
#include "support/tree_random.h"

#define CHANGES 60

static uint64_t first_seed = 1;
static unsigned pair_count = 40;

static void make(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs a command of the shell, in the folder of the test. */
static void make(const char *format, ...)
{
	char command[4096], whole[2 * PATH_MAX];
	va_list arguments;
	pid_t pid;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	snprintf(whole, sizeof(whole), "cd '%.4000s' && { %.4000s ; }", scratch, command);
	pid = fork();
	if (pid == 0) {
		execl("/bin/bash", "bash", "-c", whole, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("status %d from: %s", status, command);
}

static int open_at(const char *name)
{
	cleanup_free char *path = text_format("%s/%s", scratch, name);
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void must(int result, const struct error *err)
{
	if (result < 0)
		fail_msg("%s", err->message);
}

/* The trees `root` and `tree`, of which the one comes from the other by some changes. */
struct pair {
	int root, tree;
	struct replace replace;
};

static void pair_begin(struct pair *pair, const char *root, const char *tree)
{
	struct error err = { 0 };

	pair->root = open_at(root);
	pair->tree = open_at(tree);
	must(replace_begin(&pair->replace, pair->root, pair->tree, "test", &err), &err);
}

static void pair_end(struct pair *pair)
{
	replace_release(&pair->replace);
	close(pair->root);
	close(pair->tree);
}

static void work_out(struct pair *pair, const char *path)
{
	struct error err = { 0 };

	must(replace_compare(&pair->replace, path, true, &err), &err);
	must(replace_link(&pair->replace, true, &err), &err);
	must(replace_check(&pair->replace, &err), &err);
}

static void apply(struct pair *pair)
{
	struct error err = { 0 };

	must(replace_apply(&pair->replace, &err), &err);
}

static void assert_same(const char *what, const char *root, const char *tree)
{
	cleanup_free char *a = text_format("%s/%s", scratch, root), *b = text_format("%s/%s", scratch, tree);
	cleanup_text struct text difference = { 0 };

	if (!trees_equal(a, b, true, &difference))
		fail_msg("%s: %s", what, difference.data);
}

static void change(const char *name, unsigned count, uint64_t *state)
{
	cleanup_free char *path = text_format("%s/%s", scratch, name);

	tree_change(path, count, state);
}

/* --- random trees ------------------------------------------------------------------------------------------- */

static void make_plain(uint64_t *state)
{
	make("chattr -R -ia root tree 2>/dev/null; rm -rf root tree; mkdir root");
	change("root", CHANGES, state);
	make("cp -a root tree");
	change("root", random_below(state, CHANGES), state);
	change("tree", random_below(state, CHANGES / 2), state);
}

static void test_whole(void **test)
{
	(void)test;
	for (unsigned i = 0; i < pair_count; i++) {
		uint64_t state = first_seed + i;
		struct error err = { 0 };
		struct pair pair;

		make_plain(&state);
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		if (i % 3 == 1)
			must(replace_stage(&pair.replace, 0, &err), &err);
		if (i % 3)
			must(replace_shelve(&pair.replace, &err), &err);
		/* What we do ourselves is none of the others'. */
		if (i % 2)
			must(replace_watch(&pair.replace, pair.root, &err), &err);
		apply(&pair);
		assert_same("once", "root", "tree");
		/* Nothing is left to do, and what is done again changes nothing. */
		if (i % 2)
			must(replace_watch(&pair.replace, pair.root, &err), &err);
		apply(&pair);
		assert_same("twice", "root", "tree");
		pair_end(&pair);
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		assert_int_equal(pair.replace.count, 0);
		pair_end(&pair);
	}
}

/* Killed after some time, in the middle as often as not. */
static void cut_off(struct pair *pair, unsigned after_us)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct error err = { 0 };

		_exit(replace_apply(&pair->replace, &err) < 0);
	}
	usleep(after_us);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static void write_list(struct pair *pair, int state_folder)
{
	cleanup_worklist struct worklist list = WORKLIST_NONE;
	struct error err = { 0 };

	must(worklist_begin(&list, state_folder, "list", "id", &err), &err);
	must(worklist_note(&list, &pair->replace, false, &err), &err);
	must(worklist_note(&list, &pair->replace, true, &err), &err);
	must(worklist_seal(&list, &err), &err);
}

static void test_cut_off(void **test)
{
	(void)test;
	make("mkdir -p state");
	for (unsigned i = 0; i < pair_count; i++) {
		cleanup_fd int state_folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		cleanup_worklist struct worklist list = WORKLIST_NONE;
		uint64_t state = first_seed + 1000 + i;
		struct error err = { 0 };
		struct pair pair;
		size_t count;

		make_plain(&state);
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		write_list(&pair, state_folder);
		count = pair.replace.count;
		if (i % 2)
			must(replace_shelve(&pair.replace, &err), &err);
		cut_off(&pair, random_below(&state, 3000));
		/* As it was left by who was killed. */
		if (pair.replace.shelf >= 0)
			close(steal_fd(&pair.replace.shelf));
		pair_end(&pair);

		pair_begin(&pair, "root", "tree");
		assert_int_equal(worklist_open(&list, state_folder, "list", "id", &pair.replace, &err), 1);
		assert_int_equal(pair.replace.count, count);
		apply(&pair);
		assert_same("cut off", "root", "tree");
		must(worklist_close(&list, &err), &err);
		pair_end(&pair);
		make("test -z \"$(find root -name '.wsnap*')\" && test -e list.done && test ! -e list");
	}
}

/* Through overlays, as a workspace has them: the version's layers below, and another one on top. */
static void test_overlay(void **test)
{
	(void)test;
	if (!filesystems_available())
		skip();
	for (unsigned i = 0; i < pair_count / 2; i++) {
		cleanup_free char *base = text_format("%s/base", scratch), *then = text_format("%s/then", scratch);
		cleanup_free char *upper = text_format("%s/upper", scratch), *work = text_format("%s/work", scratch);
		cleanup_free char *root = text_format("%s/root", scratch), *tree = text_format("%s/tree", scratch);
		const char *both[] = { then, base };
		cleanup_fd int layer = -1;
		uint64_t state = first_seed + 2000 + i;
		struct error err = { 0 };
		struct pair pair;

		make("rm -rf root tree base then upper work; mkdir root tree base then upper work");
		change("base", CHANGES, &state);
		overlay_mount(root, both + 1, 1, then, work);
		change("root", CHANGES / 2, &state);
		overlay_unmount(root);
		make("rm -rf work; mkdir work");
		overlay_mount(tree, both, 2, NULL, NULL);
		overlay_mount(root, both, 2, upper, work);
		change("root", CHANGES, &state);
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		must(replace_stage(&pair.replace, 0, &err), &err);
		layer = open_at("upper");
		if (i % 2)
			must(replace_watch(&pair.replace, layer, &err), &err);
		apply(&pair);
		assert_same("through overlays", "root", "tree");
		pair_end(&pair);
		close(steal_fd(&layer));
		overlay_unmount(root);
		overlay_unmount(tree);
	}
}

/* --- by hand ------------------------------------------------------------------------------------------------ */

static void test_scope(void **test)
{
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree; mkdir -p tree/a/b tree/c root/a root/c; echo 1 >tree/a/b/f; echo 1 >tree/c/f; echo 2 >root/c/f;"
	     "echo 2 >root/a/other; ln tree/c/f tree/a/b/g");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "a/b", &err), &err);
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	make("test \"$(cat root/a/b/f root/a/b/g root/c/f root/a/other)\" = $'1\\n1\\n2\\n2'");
	/* Of what is the same already, the name becomes one more name. */
	make("cp -a tree/c/f root/c/f; rm root/a/b/g");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "a/b/g", &err), &err);
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	make("test root/a/b/g -ef root/c/f");
	/* What was the same has changed by then: nothing becomes a name of it. */
	make("rm root/a/b/g");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "a/b/g", &err), &err);
	work_out(&pair, "");
	make("echo changed >root/c/f");
	replace_doubt(&pair.replace, "c", true);
	apply(&pair);
	pair_end(&pair);
	make("test \"$(cat root/a/b/g root/c/f)\" = $'1\\nchanged' && test ! root/a/b/g -ef root/c/f");
	/* What leads there is no folder in the tree: what is asked for goes, and nothing else. */
	make("rm -r tree/a; echo file >tree/a");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "a/b/f", &err), &err);
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	make("test ! -e root/a/b/f && test -e root/a/b/g && test -e root/a/other");
	make("rm tree/a; mkdir -p tree/a/b; echo 1 >tree/a/b/f");
	/* What leads there is something else. */
	make("rm -r root/a; echo file >root/a");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "a/b", &err), &err);
	must(replace_compare(&pair.replace, "", true, &err), &err);
	assert_int_equal(replace_check(&pair.replace, &err), -1);
	assert_string_equal(err.message, "'/a/b' lies in what is no folder of the workspace now: Not a directory");
	pair_end(&pair);
	make("test \"$(cat root/a)\" = file");
}

/* Several names of one file, of which others are out of scope, or become items late. */
static void test_names(void **test)
{
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree; mkdir -p tree/in tree/out; echo 1 >tree/out/f; ln tree/out/f tree/in/a; ln tree/out/f tree/in/b;"
	     "echo 1 >tree/in/other; cp -a tree root; rm root/in/*");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "in", &err), &err);
	work_out(&pair, "");
	make("echo changed >root/out/f");
	replace_doubt(&pair.replace, "out/f", false);
	must(replace_settle_links(&pair.replace, &err), &err);
	must(replace_stage(&pair.replace, 0, &err), &err);
	apply(&pair);
	pair_end(&pair);
	make("test root/in/a -ef root/in/b && test ! root/in/a -ef root/out/f &&"
	     "test \"$(cat root/in/a root/out/f)\" = $'1\\nchanged'");
	/* One that was as it should be when all was looked at. */
	make("rm -rf root; cp -a tree root; rm root/in/other");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	assert_int_equal(pair.replace.count, 1);
	make("rm root/in/b; echo another >root/in/b");
	must(replace_compare(&pair.replace, "in/b", false, &err), &err);
	must(replace_link(&pair.replace, true, &err), &err);
	must(replace_settle_links(&pair.replace, &err), &err);
	apply(&pair);
	pair_end(&pair);
	assert_same("names", "root", "tree");
	make("test root/in/a -ef root/in/b && test root/in/a -ef root/out/f");
}

/* What is copied up whole though only a name is added, and what cannot be staged without a name. */
static void test_cost(void **test)
{
	cleanup_free char *base = text_format("%s/base", scratch), *upper = text_format("%s/upper", scratch);
	cleanup_free char *work = text_format("%s/work", scratch), *root = text_format("%s/root", scratch);
	const char *below[] = { base };
	struct replace_cost cost;
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	if (!filesystems_available())
		skip();
	make("rm -rf root tree base upper work; mkdir -p root tree/in upper work base/out base/in;"
	     "head -c 3000000 /dev/urandom >base/out/big; cp -a base/out tree/; ln tree/out/big tree/in/name; echo 1 >tree/in/small");
	overlay_mount(root, below, 1, upper, work);
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "in", &err), &err);
	work_out(&pair, "");
	{
		cleanup_fd int layer = open_at("upper");

		must(replace_cost(&pair.replace, layer, &cost, &err), &err);
		assert_true(cost.files >= 2 && cost.files < 100000);
		assert_true(cost.rest >= 3000000 && cost.rest < 3200000);
		must(replace_stage(&pair.replace, 0, &err), &err);
		must(replace_cost(&pair.replace, layer, &cost, &err), &err);
		assert_true(cost.files == 0 && cost.rest >= 3000000);
	}
	pair_end(&pair);
	make("touch root/out/big");
	pair_begin(&pair, "root", "tree");
	must(replace_add_scope(&pair.replace, "in", &err), &err);
	work_out(&pair, "");
	{
		cleanup_fd int layer = open_at("upper");

		must(replace_cost(&pair.replace, layer, &cost, &err), &err);
		assert_true(cost.rest < 200000);
	}
	pair_end(&pair);
	overlay_unmount(root);
}

/* In place of the library's: for one call the disk is full. */
static bool is_full;

int linkat(int from, const char *name, int to, const char *other, int flags)
{
	if (!is_full)
		return (int)syscall(SYS_linkat, from, name, to, other, flags);
	is_full = false;
	errno = ENOSPC;
	return -1;
}

/* What cannot have one more name for the moment does not become two files for that. */
static void test_no_room_for_a_name(void **test)
{
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree; mkdir root tree; echo 1 >tree/a; ln tree/a tree/b");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	is_full = true;
	assert_int_equal(replace_apply(&pair.replace, &err), -1);
	assert_false(is_full);
	apply(&pair);
	pair_end(&pair);
	assert_same("names", "root", "tree");
	make("test root/a -ef root/b");
}

/* Folders become links to elsewhere between the look and the deed: nothing is written there. */
static void test_links(void **test)
{
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree elsewhere; mkdir -p tree/a/b root/a/b/c elsewhere/b/c; echo 1 >tree/a/b/f; echo 2 >root/a/b/g;"
	     "echo kept >elsewhere/b/g; echo kept >elsewhere/b/c/h");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	make("mv root/a root/moved; ln -s ../elsewhere root/a");
	assert_int_equal(replace_apply(&pair.replace, &err), -1);
	pair_end(&pair);
	make("test \"$(cd elsewhere && find . | sort | tr '\\n' ' ')\" = '. ./b ./b/c ./b/c/h ./b/g ' && grep -q kept elsewhere/b/g");
	/* Looked at again, the link goes. */
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	assert_same("links", "root", "tree");
	make("grep -q kept elsewhere/b/g");
}

static void test_mounts(void **test)
{
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree; mkdir -p tree/x root/way/volume root/way/own root/x; echo 1 >root/way/own/f; echo 1 >root/way/volume/f;"
	     "echo 1 >tree/file");
	pair_begin(&pair, "root", "tree");
	must(replace_add_mount(&pair.replace, "way/volume", &err), &err);
	must(replace_add_mount(&pair.replace, "file", &err), &err);
	work_out(&pair, "");
	pair_end(&pair);
	if (!filesystems_available())
		skip();
	make("mkdir -p volume && echo kept >volume/f && mount --bind volume root/way/volume");
	pair_begin(&pair, "root", "tree");
	must(replace_add_mount(&pair.replace, "way/volume", &err), &err);
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	make("test \"$(cat root/way/volume/f root/file)\" = $'kept\\n1' && test ! -e root/way/own && umount root/way/volume");
	/* One that came when all was worked out. */
	make("mkdir -p tree/late/in root/late; echo 1 >tree/late/in/f; echo 1 >root/late/g");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	make("mount --bind volume root/late");
	apply(&pair);
	pair_end(&pair);
	make("test \"$(ls volume)\" = f && grep -q kept volume/f && umount root/late && grep -q 1 root/late/g");
	/* A file in its way. */
	make("rm -r tree/*; echo 1 >tree/way");
	pair_begin(&pair, "root", "tree");
	must(replace_add_mount(&pair.replace, "way/volume", &err), &err);
	must(replace_compare(&pair.replace, "", true, &err), &err);
	assert_int_equal(replace_check(&pair.replace, &err), -1);
	assert_int_equal(err.kind, ERROR_REFUSED);
	pair_end(&pair);
}

/* Deeper than a path may be long. */
static void test_deep(void **test)
{
	struct pair pair;

	(void)test;
	make("rm -rf root tree; mkdir root tree; cd tree; n=$(printf 'x%%.0s' {1..200});"
	     "for i in $(seq 40); do mkdir $n && cd $n; done; echo deep >file; touch -d 2001-01-01 file");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	assert_int_equal(pair.replace.count, 41);
	apply(&pair);
	pair_end(&pair);
	make("cd root; n=$(printf 'x%%.0s' {1..200}); for i in $(seq 40); do cd $n; done; grep -q deep file");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	assert_int_equal(pair.replace.count, 0);
	pair_end(&pair);
	make("rm -rf tree; mkdir tree");
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	apply(&pair);
	pair_end(&pair);
	make("test -z \"$(ls root)\"");
}

static void test_damaged_list(void **test)
{
	cleanup_fd int state_folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree list*; mkdir root tree; echo 1 >tree/f");
	for (int bytes = 0; bytes < 80; bytes += 13) {
		cleanup_worklist struct worklist list = WORKLIST_NONE;

		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		write_list(&pair, state_folder);
		pair_end(&pair);
		make("truncate -s -1 list; truncate -s '<%d' list", bytes + 1);
		pair_begin(&pair, "root", "tree");
		assert_int_equal(worklist_open(&list, state_folder, "list", "id", &pair.replace, &err), -1);
		assert_string_equal(err.message, "the list of changes 'list' is damaged");
		pair_end(&pair);
	}
	make("test ! -e root/f");
	/* One of another operation is none. */
	{
		cleanup_worklist struct worklist list = WORKLIST_NONE;

		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		write_list(&pair, state_folder);
		pair_end(&pair);
		assert_int_equal(worklist_exists(state_folder, "list", "id", &err), 1);
		assert_int_equal(worklist_exists(state_folder, "list", "another", &err), 0);
		pair_begin(&pair, "root", "tree");
		assert_int_equal(worklist_open(&list, state_folder, "list", "another", &pair.replace, &err), 0);
		assert_int_equal(pair.replace.count, 0);
		pair_end(&pair);
	}
	must(worklist_remove(state_folder, "list", &err), &err);
	assert_int_equal(worklist_exists(state_folder, "list", "id", &err), 0);
}

/* What is mounted while the list is worked out is not touched by whoever finishes it either. */
static void test_late_mount(void **test)
{
	cleanup_fd int state_folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_worklist struct worklist list = WORKLIST_NONE;
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree list*; mkdir -p root/early root/late root/gone tree; touch root/early/f root/late/f");
	pair_begin(&pair, "root", "tree");
	must(replace_add_mount(&pair.replace, "early", &err), &err);
	must(replace_compare(&pair.replace, "", true, &err), &err);
	must(worklist_begin(&list, state_folder, "list", "id", &err), &err);
	must(worklist_note(&list, &pair.replace, false, &err), &err);
	must(replace_add_mount(&pair.replace, "late", &err), &err);
	must(worklist_note(&list, &pair.replace, true, &err), &err);
	must(worklist_seal(&list, &err), &err);
	worklist_release(&list);
	pair_end(&pair);
	pair_begin(&pair, "root", "tree");
	assert_int_equal(worklist_open(&list, state_folder, "list", "id", &pair.replace, &err), 1);
	assert_int_equal(pair.replace.mounts.count, 2);
	apply(&pair);
	pair_end(&pair);
	make("test -e root/early/f && test -e root/late/f && test ! -e root/gone");
}

/* What was made just before a power cut may not have come to the disk: it is made again, and closed as it was. */
static void test_power_cut(void **test)
{
	cleanup_fd int state_folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };
	struct pair pair;

	(void)test;
	make("rm -rf root tree list*; mkdir root tree; echo 1 >tree/f");
	for (int turn = 0; turn < 2; turn++) {
		cleanup_worklist struct worklist list = WORKLIST_NONE;

		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		write_list(&pair, state_folder);
		pair_end(&pair);
		make("mv list list.done; sed -i '1s/wsnap-replace 1\\x00./wsnap-replace 1\\x00-/' list.done");
		pair_begin(&pair, "root", "tree");
		assert_int_equal(worklist_open(&list, state_folder, "list", "id", &pair.replace, &err), 1);
		pair_end(&pair);
		/* In this process, or in its guard. */
		pair_begin(&pair, "root", "tree");
		if (turn)
			assert_int_equal(worklist_read(&list, &pair.replace, &err), 1);
		else
			must(replace_add(&pair.replace, "f", &err), &err);
		apply(&pair);
		pair_end(&pair);
		assert_same("power cut", "root", "tree");
		must(worklist_close(&list, &err), &err);
		must(worklist_settle(&list, &err), &err);
		make("test -e list.settled && test ! -e list.done && rm list.settled root/f");
	}
}

/* What somebody has written since a change was begun, where finishing it would take that away. */
static void test_touched(void **test)
{
	static const struct {
		const char *words;
		int touched;
	} deeds[] = {
		{ "true", 0 },
		{ "cp -a tree/f root/f; rm root/gone/a; mkdir -p root/new", 0 },
		{ "rm -r root/gone", 0 },
		{ "echo mine >root/other", 0 },
		{ "echo mine >root/f", 1 },
		{ "echo mine >root/new", 1 },
		{ "echo mine >root/gone/b/c", 1 },
		{ "echo mine >root/gone/b/d", 1 },
	};
	enum { DEEDS = sizeof(deeds) / sizeof(*deeds) };
	cleanup_fd int state_folder = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = { 0 };

	(void)test;
	for (size_t i = 0; i < 4 * DEEDS; i++) {
		cleanup_worklist struct worklist list = WORKLIST_NONE;
		/* Nobody was at work while the list was worked out: a clock that was set back makes no difference then. */
		bool noted = i >= 3 * DEEDS;
		int touched = i < 2 * DEEDS || noted ? deeds[i % DEEDS].touched : 0;
		struct timespec written;
		struct pair pair;

		make("rm -rf root tree list*; mkdir -p root/gone/b tree/new; echo 1 >root/f; echo 2 >tree/f; echo 1 >root/gone/a;"
		     "echo 1 >root/gone/b/c; echo 1 >root/other; cp -a root/other tree/");
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		write_list(&pair, state_folder);
		pair_end(&pair);
		/* Since then; or in another boot, with a clock that has gone back; or while the list was still worked out. */
		make("sleep 0.02; %s %s %s",
		     i / DEEDS == 1 ? "sed -i '1s/wsnap-replace 1\\x00./wsnap-replace 1\\x00-/' list;" : "",
		     i < DEEDS ? "" : "touch -d '+1 day' list;", deeds[i % DEEDS].words);
		pair_begin(&pair, "root", "tree");
		assert_int_equal(worklist_open(&list, state_folder, "list", "id", &pair.replace, &err), 1);
		must(worklist_time(&list, &written, &err), &err);
		if (replace_was_touched(&pair.replace, &written, list.same_boot && !noted, &err) != touched)
			fail_msg("%zu, %s: %s", i, deeds[i % DEEDS].words, err.message);
		pair_end(&pair);
	}
}

/* What others write to what is about to be taken away, when it is looked at for the last time. */
static void test_written(void **test)
{
	static const struct {
		const char *words, *kept;
	} deeds[] = {
		{ "true", NULL },
		{ "echo mine >root/other; ln root/f root/more", NULL },
		{ "rm root/f", NULL },
		{ "echo mine >root/f", "f" },
		{ "echo mine >new; touch -r root/f new; mv new root/f", "f" },
		{ "echo mine >root/file", "file" },
		{ "echo mine >root/gone/b/c", "gone/b/c" },
		{ "echo mine >root/gone/b/d", "gone/b/d" },
		{ "echo mine >root/folder/e", "folder/e" },
	};

	(void)test;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
		const char *kept = deeds[i].kept;
		struct error err = { 0 };
		struct pair pair;

		make("rm -rf root tree; mkdir -p root/gone/b root/folder tree/file; for f in f file gone/a gone/b/c folder/e other;"
		     "do echo 1 >root/$f; done; echo 2 | tee tree/f >tree/folder; cp -a root/other tree/");
		pair_begin(&pair, "root", "tree");
		work_out(&pair, "");
		must(replace_watch(&pair.replace, pair.root, &err), &err);
		make("sleep 0.02; %s", deeds[i].words);
		if ((replace_apply(&pair.replace, &err) < 0) != (kept != NULL))
			fail_msg("%s: %s", deeds[i].words, err.message);
		if (kept)
			make("grep -q mine 'root/%s'", kept);
		pair_end(&pair);
	}
}

static unsigned long free_mib(const char *folder)
{
	struct statvfs status;

	assert_int_equal(statvfs(folder, &status), 0);
	return status.f_bfree * status.f_frsize >> 20;
}

/* In a layer of an overlay, as of a workspace: what goes is given back when the change is let go of. */
static void check_given_back(const char *tree, const char *what)
{
	struct filesystem filesystem;
	cleanup_free char *lower = text_format("%s/lower", scratch), *root = text_format("%s/root", scratch);
	cleanup_free char *upper = NULL, *work = NULL;
	const char *const layers[] = { lower };
	unsigned long full, applied;
	struct pair pair;

	make("rm -rf lower root tree; mkdir -p lower root tree; %s", tree);
	filesystem_mount(&filesystem, scratch, "ext4", 128);
	upper = text_format("%s/upper", filesystem.root);
	work = text_format("%s/work", filesystem.root);
	make("mkdir '%s' '%s'; head -c 40M /dev/urandom >'%s/big'; sync -f '%s'", upper, work, upper, upper);
	overlay_mount(root, layers, 1, upper, work);
	full = free_mib(filesystem.root);
	pair_begin(&pair, "root", "tree");
	work_out(&pair, "");
	apply(&pair);
	applied = free_mib(filesystem.root);
	assert_same(what, "root", "tree");
	pair_end(&pair);
	if (applied > full + 8 || free_mib(filesystem.root) < full + 32)
		fail_msg("%s: %lu, then %lu, at last %lu MiB are free", what, full, applied, free_mib(filesystem.root));
	overlay_unmount(root);
	filesystem_unmount(&filesystem);
}

/* A file of 1 GiB takes most of a second, in which everybody would wait. */
static void test_given_back(void **test)
{
	(void)test;
	if (!filesystems_available())
		skip();
	check_given_back("true", "a file that goes");
	check_given_back("mkdir tree/big", "a file that becomes a folder");
	check_given_back("echo small >tree/big", "a file that another one is put in place of");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_whole, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_cut_off, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_overlay, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_scope, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_names, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_cost, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_links, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_no_room_for_a_name, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_mounts, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_deep, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_list, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_late_mount, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_power_cut, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_touched, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_written, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(test_given_back, scratch_set_up, scratch_tear_down),
	};

	random_arguments(argc, argv, &first_seed, &pair_count);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
