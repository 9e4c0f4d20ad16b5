#include "compare/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/text.h"
#include "compare/sources.h"

static int keep_item(const struct layer_change *change, void *context, struct error *err)
{
	struct comparison *comparison = context;

	if (comparison->count == comparison->capacity) {
		size_t capacity = comparison->capacity ? comparison->capacity * 2 : 64;
		struct compare_item *grown = reallocarray(comparison->items, capacity, sizeof(*grown));

		if (!grown)
			return error_memory(err);
		comparison->items = grown;
		comparison->capacity = capacity;
	}
	comparison->items[comparison->count] = (struct compare_item){
		.path = strdup(change->path),
		.change = change->change,
		.mode = change->mode,
		.mode_before = change->mode_before,
		.size = S_ISREG(change->mode) || S_ISLNK(change->mode) ? change->size : 0,
		.size_before = S_ISREG(change->mode_before) || S_ISLNK(change->mode_before) ? change->size_before : 0,
		.now = change->now,
		.before = change->before,
	};
	return comparison->items[comparison->count++].path ? 0 : error_memory(err);
}

/* Whether `path` is `other`, or lies below it. */
static bool is_in(const char *path, const char *other)
{
	size_t length = strlen(other);

	if (strcmp(other, "/") == 0)
		return true;
	return strncmp(path, other, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static bool is_asked_for(const struct compare_request *request, const char *path)
{
	for (size_t i = 0; i < request->path_count; i++)
		if (is_in(path, request->paths[i]))
			return true;
	return request->path_count == 0;
}

/* Also what leads there. */
static int is_wanted(const char *path, void *context)
{
	const struct comparison *comparison = context;
	const struct compare_request *request = comparison->request;

	if (is_asked_for(request, path))
		return 1;
	for (size_t i = 0; i < request->path_count; i++)
		if (is_in(request->paths[i], path))
			return 1;
	return 0;
}

static int keep_asked(const struct layer_change *change, void *context, struct error *err)
{
	const struct comparison *comparison = context;

	return is_asked_for(comparison->request, change->path) ? keep_item(change, context, err) : 0;
}

static int compare_paths(const void *a, const void *b)
{
	const struct compare_item *left = a, *right = b;

	return strcmp(left->path, right->path);
}

static void forget_items(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++)
		free(comparison->items[i].path);
	comparison->count = 0;
}

static int compare_stacks(struct comparison *comparison, struct error *err)
{
	const struct layer_diff diff = {
		.each = keep_asked,
		.wanted = comparison->request->path_count ? is_wanted : NULL,
		.context = comparison,
	};
	const struct layer_paths *now = &comparison->now.layers, *before = &comparison->before.layers;
	const struct layer_stack stacks[] = { { (const char *const *)now->items, now->count },
					      { (const char *const *)before->items, before->count } };

	return layer_diff(comparison->now.marks, &stacks[0], &stacks[1], &diff, err);
}

int compare_run(struct comparison *comparison, const struct compare_request *request, struct error *err)
{
	int done;

	comparison->request = request;
	comparison->held.session = comparison->session;
	comparison->now.tree = comparison->before.tree = -1;
	if (sources_find(comparison, err) < 0)
		return -1;
	done = compare_stacks(comparison, err);
	if (done < 0 && err->kind == ERROR_REFUSED && comparison->now.marks != LAYER_MARKS_NONE) {
		log_detail("the layers cannot be read one by one: %s", err->message);
		error_clear(err);
		forget_items(comparison);
		done = sources_mount(comparison, err) < 0 ? -1 : compare_stacks(comparison, err);
	}
	if (done == 0 && comparison->count)
		qsort(comparison->items, comparison->count, sizeof(*comparison->items), compare_paths);
	return done;
}

int compare_open(const struct compare_item *item, bool before)
{
	const char *root = before ? item->before : item->now;

	if (!root) {
		errno = ENOENT;
		return -1;
	}
	return layer_open_file(root, item->path + 1);
}

static void stack_release(struct compare_stack *stack)
{
	layer_paths_free(&stack->layers);
	if (stack->tree >= 0)
		close(stack->tree);
	stack->tree = -1;
}

void comparison_let_go(struct comparison *comparison)
{
	if (comparison->request) {
		stack_release(&comparison->now);
		stack_release(&comparison->before);
		held_release(&comparison->held);
		mapped_view_close(steal_pointer(comparison->view));
	}
	comparison->request = NULL;
	for (size_t i = 0; i < comparison->count; i++)
		comparison->items[i].now = comparison->items[i].before = NULL;
}

void comparison_release(struct comparison *comparison)
{
	comparison_let_go(comparison);
	forget_items(comparison);
	free(comparison->items);
	*comparison = (struct comparison){ .session = comparison->session };
}

const char *compare_kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char_device";
	case S_IFBLK:
		return "block_device";
	default:
		return "file";
	}
}

char *compare_path(const char *word, struct error *err)
{
	cleanup_text struct text path = { 0 };
	const char *at = word;

	if (!*at) {
		error_set(err, ERROR_USAGE, "'' cannot be a path: it is empty");
		return NULL;
	}
	while (*at) {
		size_t length = strcspn(at, "/");

		if ((length == 1 && *at == '.') || (length == 2 && memcmp(at, "..", 2) == 0)) {
			error_set(err, ERROR_USAGE, "'%.200s' cannot be a path: it has '.' or '..' in it", word);
			return NULL;
		}
		if (length) {
			text_add(&path, "/");
			text_append(&path, at, length);
		}
		at += length + (at[length] == '/');
	}
	if (path.length == 0)
		text_add(&path, "/");
	if (path.failed)
		error_memory(err);
	return text_steal(&path);
}
