/* Telling what differs in the trees that two stacks of layers show. */
#include "base/cleanup.h"
#include "base/text.h"
#include "layer/changes.h"

/* "/etc/hosts" of a name in the top frame; of NULL the path of that frame itself. */
static int put_path(const struct changes *changes, const char *name, struct text *path, struct error *err)
{
	const struct walk *walk = &changes->walk;

	for (size_t i = 1; i < walk->depth; i++) {
		text_add(path, "/");
		text_add(path, walk->frames[i].name);
	}
	if (name || walk->depth <= 1)
		text_add(path, "/");
	if (name)
		text_add(path, name);
	return path->failed ? error_memory(err) : 0;
}

static const char *layer_of(const struct changes *changes, const struct walk_frame *frame, const struct shown *shown)
{
	return shown->found ? changes->roots[frame->places[shown->place].root] : NULL;
}

int changes_tell(const struct changes *changes, const struct walk_frame *frame, const char *name,
		 const struct shown *shown, struct error *err)
{
	cleanup_text struct text path = { 0 };
	const struct shown *now = &shown[ONE], *before = &shown[OTHER];
	struct layer_change change = {
		.change = now->found && before->found ? 'M'
			  : now->found                ? 'A'
						      : 'D',
		.mode = now->found ? now->status.st_mode : before->status.st_mode,
		.size = now->found ? now->status.st_size : 0,
		.size_before = before->found ? before->status.st_size : 0,
	};

	if (!changes->told)
		return 0;
	if (put_path(changes, name, &path, err) < 0)
		return -1;
	change.path = path.data;
	change.now = layer_of(changes, frame, now);
	change.before = layer_of(changes, frame, before);
	change.mode_before = before->found ? before->status.st_mode : 0;
	return changes->told->each(&change, changes->told->context, err) < 0 ? -1 : 1;
}

int changes_are_wanted(const struct changes *changes, const char *name, struct error *err)
{
	cleanup_text struct text path = { 0 };

	if (!changes->told || !changes->told->wanted)
		return 1;
	if (put_path(changes, name, &path, err) < 0)
		return -1;
	return changes->told->wanted(path.data, changes->told->context);
}
