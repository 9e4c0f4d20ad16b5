#include "support/live_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "layer/layer.h"
#include "support/files.h"
#include "support/scratch.h"
#include "support/tree_compare.h"
#include "support/tree_random.h"

static char *below(struct stand *stand, const char *name)
{
	char *path = text_format("%s/%s", stand->filesystem.root, name);

	assert_non_null(path);
	return path;
}

static char *make_below(struct stand *stand, const char *name)
{
	char *path = below(stand, name);

	assert_int_equal(mkdir(path, 0755), 0);
	return path;
}

/* The control group of the test itself is no place to freeze: one below the root of the hierarchy is. */
static char *make_group(void)
{
	static const char *const roots[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/freezer" };
	static unsigned number;

	for (size_t i = 0; i < 3; i++) {
		char *path = text_format("%s/wsnap-unit-%d-%u", roots[i], getpid(), number);
		cleanup_free char *freeze = text_format("%s/cgroup.freeze", path);
		cleanup_free char *state = text_format("%s/freezer.state", path);

		if (mkdir(path, 0755) == 0 && (access(freeze, F_OK) == 0 || access(state, F_OK) == 0)) {
			number++;
			return path;
		}
		rmdir(path);
		free(path);
	}
	return NULL;
}

static void join_group(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);

	files_write(path, "0");
}

static bool has_process(const char *group)
{
	cleanup_free char *path = text_format("%s/cgroup.procs", group);
	cleanup_file FILE *file = fopen(path, "re");

	return file && getc(file) != EOF;
}

void stand_enter(const struct stand *stand)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	join_group(stand->group);
	if (chroot(stand->merged) < 0 || chdir("/") < 0)
		_exit(1);
}

unsigned *stand_map_file(void)
{
	cleanup_fd int file = open("/mapped", O_RDWR | O_CREAT | O_CLOEXEC, 0644);

	if (file < 0 || ftruncate(file, 1 << 16) < 0)
		_exit(1);
	return mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

void stand_be_quiet(struct stand *stand)
{
	stand_enter(stand);
	stand_map_file()[7] = 7;
	for (;;)
		pause();
}

void stand_be_flickering(struct stand *stand)
{
	char path[] = "/flickers0";

	stand_enter(stand);
	for (unsigned round = 0;; round++) {
		path[sizeof(path) - 2] = (char)('0' + round / 64 % 8);
		(void)!symlink("/etc", path);
		unlink(path);
	}
}

void stand_live(struct stand *stand, life live)
{
	stand->pid = fork();
	if (stand->pid == 0)
		live(stand);
	while (!has_process(stand->group))
		clock_sleep_ms(5);
	clock_sleep_ms(30);
}

void stand_stop(struct stand *stand)
{
	int status;

	kill(stand->pid, SIGKILL);
	assert_int_equal(waitpid(stand->pid, &status, 0), stand->pid);
	if (!WIFSIGNALED(status))
		fail_msg("what lived in it has ended by itself");
	while (has_process(stand->group))
		clock_sleep_ms(5);
}

static void make_image(struct stand *stand, image_filler fill)
{
	char *image = make_below(stand, "image");

	tree_change(image, 60, &stand->state);
	if (fill)
		fill(image);
	stand->layers[stand->count++] = image;
}

void stand_make(struct stand *stand, const char *type, uint64_t seed, image_filler fill, life live)
{
	if (!filesystems_available())
		skip();
	*stand = (struct stand){ .seed = seed, .state = seed };
	stand->marks = overlay_uses_userxattr() ? LAYER_MARKS_USER : LAYER_MARKS_TRUSTED;
	filesystem_mount(&stand->filesystem, scratch, type, strncmp(type, "ext4", 4) == 0 ? 300 : 400);
	make_image(stand, fill);
	stand->upper = make_below(stand, "upper");
	stand->work = make_below(stand, "work");
	stand->merged = make_below(stand, "rootfs");
	stand->shown = make_below(stand, "shown");
	stand->index = below(stand, "index");
	overlay_mount(stand->merged, stand->layers, 1, stand->upper, stand->work);
	tree_change(stand->merged, 60, &stand->state);
	stand->group = make_group();
	assert_non_null(stand->group);
	stand_live(stand, live);
}

void stand_end(struct stand *stand)
{
	stand_stop(stand);
	for (int try = 0; rmdir(stand->group) < 0 && try < 100; try++)
		clock_sleep_ms(10);
	overlay_unmount(stand->merged);
	filesystem_unmount(&stand->filesystem);
}

/* The chain with the new layer must show what the workspace shows at this moment. */
static int compare(void *context, struct error *err)
{
	struct stand *stand = context;
	const char *layers[STAND_LAYERS_MAX + 1];
	cleanup_text struct text difference = { 0 };
	bool equal;

	layers[0] = stand->next;
	memcpy(layers + 1, stand->layers, stand->count * sizeof(*layers));
	overlay_mount(stand->shown, layers, stand->count + 1, NULL, NULL);
	equal = trees_equal(stand->merged, stand->shown, false, &difference);
	overlay_unmount(stand->shown);
	stand->compared++;
	return equal ? 0 : error_set(err, ERROR_FAILED, "%s", difference.data);
}

static int find_tip(struct layer_paths *layers, void *context, struct error *err)
{
	const struct stand *stand = context;

	if (stand->lost)
		return error_set(err, ERROR_FAILED, "they are not there");
	layers->items = calloc(stand->count, sizeof(*layers->items));
	if (!layers->items)
		return error_memory(err);
	for (; layers->count + 1 < stand->count; layers->count++)
		layers->items[layers->count] = strdup(stand->layers[layers->count]);
	return 0;
}

struct live_request stand_request(const struct stand *stand)
{
	static uint32_t self;

	self = (uint32_t)getpid();
	return (struct live_request){
		.pid = (uint32_t)stand->pid,
		.others = &self,
		.other_count = 1,
		.marks = stand->marks,
		.upper = stand->upper,
		.index = stand->index,
		.max_freeze_ms = 60000,
		.maps_unheard = stand->maps_unheard,
		.landing_ms = stand->landing_ms,
	};
}

static void print_result(const char *name, const struct live_result *result)
{
	print_message("%s: frozen %.1f ms, %u tries, %u passes, %llu entries, %llu bytes%s\n", name, result->frozen_ms,
		      result->tries, result->passes, (unsigned long long)result->copied_entries,
		      (unsigned long long)result->copied_bytes, result->walked_frozen ? ", walked" : "");
}

/* The version that was taken is the tip, and its layer the newest. */
static void push(struct stand *stand, char *name)
{
	free(stand->tip);
	stand->tip = name;
	stand->taken++;
	memmove(stand->layers + 1, stand->layers, stand->count * sizeof(*stand->layers));
	stand->layers[0] = stand->next;
	if (++stand->count > STAND_LAYERS_MAX)
		stand_merge(stand);
}

static struct live_result take(struct stand *stand, bool blindly)
{
	struct live_request request = stand_request(stand);
	char *name = text_format("v%u", stand->taken);
	struct live_result result;
	struct live *live = NULL;
	struct error err = { 0 };
	bool has_tip, again;

	request.tip = stand->tip;
	request.find_tip = find_tip;
	request.inspect = blindly ? NULL : compare;
	request.context = stand;
	stand->next = make_below(stand, name);
	if (live_begin(&request, &live, &has_tip, &err) < 0)
		fail_msg("begin: %s", err.message);
	assert_int_equal(has_tip, stand->tip && !stand->lost);
	if (live_take(live, stand->next, &result, &again, &err) < 0)
		fail_msg("seed %llu, version %s%s: %s", (unsigned long long)stand->seed, name, again ? " (again)" : "",
			 err.message);
	assert_int_equal(live_save_index(live, name, &err), 0);
	live_end(live);
	stand->walked += result.walked_frozen;
	print_result(name, &result);
	push(stand, name);
	return result;
}

struct live_result stand_take(struct stand *stand)
{
	return take(stand, false);
}

struct live_result stand_take_blindly(struct stand *stand)
{
	return take(stand, true);
}

void stand_take_versions(const char *type, life live, unsigned versions)
{
	struct stand stand;

	stand_make(&stand, type, 1, NULL, live);
	for (unsigned i = 0; i < versions; i++)
		stand_take(&stand);
	stand_end(&stand);
}

static int nothing(void *context, struct error *err)
{
	(void)context;
	(void)err;
	return 0;
}

static int nothing_moves(const char *path, bool whole, void *context, struct error *err)
{
	(void)path;
	(void)whole;
	return nothing(context, err);
}

static int settle(void *context)
{
	(void)context;
	return 0;
}

struct live_change stand_change(void *context)
{
	return (struct live_change){
		.look = nothing,
		.moved = nothing_moves,
		.ready = nothing,
		.seal = nothing,
		.give_up = settle,
		.make = nothing,
		.finish = settle,
		.settle = settle,
		.kept = { -1, -1, -1, -1, -1, -1, -1, -1 },
		.context = context,
	};
}

pid_t stand_find_guard(const struct stand *stand)
{
	cleanup_free char *path = text_format("/proc/self/task/%d/children", getpid());
	cleanup_file FILE *file = fopen(path, "re");
	int pid, last = 0;

	assert_non_null(file);
	while (fscanf(file, "%d", &pid) == 1)
		if (pid != stand->pid)
			last = pid;
	assert_true(last > 0);
	return last;
}

void stand_merge(struct stand *stand)
{
	struct layer_merge_result result;
	struct error err = { 0 };
	cleanup_free char *name = text_format("merged-%u", stand->merges++);
	char *merged = make_below(stand, name);

	if (layer_merge(stand->marks, stand->layers, stand->count - 1, merged, &result, &err) < 0)
		fail_msg("merge: %s", err.message);
	stand->layers[1] = stand->layers[stand->count - 1];
	stand->layers[0] = merged;
	stand->count = 2;
}
