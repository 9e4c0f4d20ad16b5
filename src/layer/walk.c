#include "layer/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/handle.h"

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

/* Descriptors that a walk may hold without a look at the limit's size. */
#define BUDGET_MIN 16
#define BUDGET_MAX 512

static size_t descriptor_budget(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 > BUDGET_MAX)
		return BUDGET_MAX;
	return limit.rlim_cur / 2 < BUDGET_MIN ? BUDGET_MIN : (size_t)limit.rlim_cur / 2;
}

static struct walk_frame *push_frame(struct walk *walk, const char *name, size_t count, struct error *err)
{
	struct walk_frame *frame;

	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity ? 2 * walk->capacity : 32;
		struct walk_frame *frames = reallocarray(walk->frames, capacity, sizeof(*frames));

		if (!frames)
			goto no_memory;
		walk->frames = frames;
		walk->capacity = capacity;
	}
	frame = &walk->frames[walk->depth];
	*frame = (struct walk_frame){ .name = strdup(name), .places = calloc(count, sizeof(*frame->places)) };
	if (!frame->name || !frame->places) {
		free(frame->name);
		free(frame->places);
		goto no_memory;
	}
	walk->depth++;
	return frame;
no_memory:
	error_memory(err);
	return NULL;
}

static void add_place(struct walk *walk, struct walk_frame *frame, int fd, uint32_t root, dev_t device)
{
	frame->places[frame->count++] = (struct walk_place){ .fd = fd, .root = root, .device = device };
	walk->open++;
}

static int open_root(struct walk *walk, const char *path, struct error *err)
{
	struct walk_frame *frame = &walk->frames[0];
	cleanup_fd int fd = open(path, OPEN_DIRECTORY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_errno(err, ERROR_FAILED, errno, "cannot open the directory '%s'", path);
	add_place(walk, frame, steal_fd(&fd), (uint32_t)frame->count, status.st_dev);
	return 0;
}

int walk_begin(struct walk *walk, const char *const *paths, size_t count, struct error *err)
{
	*walk = (struct walk){ .budget = descriptor_budget() };
	if (!push_frame(walk, ".", count, err))
		return -1;
	for (size_t i = 0; i < count; i++)
		if (open_root(walk, paths[i], err) < 0)
			return -1;
	return 0;
}

/* What a tree that somebody is at work in answers now and then. */
static void note_vanished(struct walk *walk, int number)
{
	if (number == ENOENT || number == ENOTDIR || number == ELOOP || number == ESTALE)
		walk->vanished = true;
}

static int open_place(struct walk *walk, struct walk_frame *frame, const struct walk_place *parent, const char *name,
		      struct error *err)
{
	cleanup_fd int fd = openat(parent->fd, name, OPEN_DIRECTORY);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0) {
		note_vanished(walk, errno);
		return error_errno(err, ERROR_FAILED, errno, "cannot open the directory '%s'", name);
	}
	if (status.st_dev != parent->device)
		return error_set(err, ERROR_REFUSED, "'%s' lies on another filesystem than the layer", name);
	add_place(walk, frame, steal_fd(&fd), parent->root, parent->device);
	return 0;
}

static int park_frame(struct walk *walk, struct walk_frame *frame, struct error *err)
{
	for (size_t i = 0; i < frame->count; i++) {
		struct walk_place *place = &frame->places[i];

		place->handle = handle_of(place->fd, "");
		if (!place->handle)
			return error_errno(err, ERROR_FAILED, errno, "the tree is too deep at '%s'", frame->name);
		close(place->fd);
		place->fd = -1;
		walk->open--;
	}
	return 0;
}

static int unpark_frame(struct walk *walk, struct walk_frame *frame, struct error *err)
{
	const struct walk_place *roots = walk->frames[0].places;

	for (size_t i = 0; i < frame->count; i++) {
		struct walk_place *place = &frame->places[i];

		place->fd = handle_open(roots[place->root].fd, place->handle, OPEN_DIRECTORY);
		if (place->fd < 0) {
			note_vanished(walk, errno);
			return error_errno(err, ERROR_FAILED, errno, "cannot open the directory '%s' again",
					   frame->name);
		}
		free(steal_pointer(place->handle));
		walk->open++;
	}
	return 0;
}

/* The root stays open for its handles' sake, the two lowest frames because they are in use. */
static int keep_budget(struct walk *walk, struct error *err)
{
	while (walk->open > walk->budget && walk->parked + 3 < walk->depth) {
		if (park_frame(walk, &walk->frames[walk->parked + 1], err) < 0)
			return -1;
		walk->parked++;
	}
	return 0;
}

int walk_enter(struct walk *walk, const struct name_entry *child, struct error *err)
{
	struct walk_frame *frame = push_frame(walk, child->name, child->count, err);

	if (!frame)
		return -1;
	for (uint32_t i = 0; i < child->count; i++)
		if (open_place(walk, frame, &frame[-1].places[child->places[i]], child->name, err) < 0)
			return -1;
	return keep_budget(walk, err);
}

static void release_frame(struct walk *walk, struct walk_frame *frame)
{
	for (size_t i = 0; i < frame->count; i++) {
		if (frame->places[i].fd >= 0) {
			close(frame->places[i].fd);
			walk->open--;
		}
		free(frame->places[i].handle);
	}
	free(frame->places);
	free(frame->name);
	names_release(&frame->names);
}

int walk_leave(struct walk *walk, struct error *err)
{
	release_frame(walk, &walk->frames[--walk->depth]);
	if (walk->parked == 0 || walk->parked + 1 != walk->depth)
		return 0;
	walk->parked--;
	return unpark_frame(walk, &walk->frames[walk->depth - 1], err);
}

struct walk_frame *walk_top(const struct walk *walk)
{
	return walk->depth ? &walk->frames[walk->depth - 1] : NULL;
}

int walk_wrap(const struct walk *walk, struct error *err)
{
	cleanup_text struct text path = { .limit = sizeof(err->message) / 2 };

	for (size_t i = 1; i < walk->depth; i++) {
		text_add(&path, "/");
		text_add(&path, walk->frames[i].name);
	}
	if (path.failed || !path.data)
		return path.failed ? error_wrap(err, "deep in the layer") : -1;
	return error_wrap(err, "in '%s'", path.data);
}

void walk_release(struct walk *walk)
{
	while (walk->depth > 0)
		release_frame(walk, &walk->frames[--walk->depth]);
	free(walk->frames);
	walk->frames = NULL;
	walk->capacity = 0;
}
