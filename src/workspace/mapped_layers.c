#include "workspace/mapped_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "layer/mapped_view.h"

/* The length of the path of the deepest folder that all of them are in, with the slash behind it. */
static size_t common_length(const struct layer_paths *layers)
{
	const char *first = layers->items[0];
	size_t common = strlen(first), length;

	for (size_t i = 1; i < layers->count; i++)
		for (length = 0; length < common; length++)
			if (layers->items[i][length] != first[length])
				common = length;
	while (common > 0 && first[common - 1] != '/')
		common--;
	return common;
}

static int mount_folder(const char *folder, const struct id_maps *maps, struct mapped_layers *mapped, struct error *err)
{
	cleanup_fd int tree = mapped_view_mount(folder, maps, ID_WAY_OUT, err);
	char point[] = "/tmp/wsnap-view-XXXXXX";

	if (tree < 0)
		return -1;
	if (!mkdtemp(point))
		return error_errno(err, ERROR_FAILED, errno, "a folder for a mount cannot be made");
	if (move_mount(tree, "", AT_FDCWD, point, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		error_errno(err, ERROR_FAILED, errno, "nothing can be mounted on '%s'", point);
		rmdir(point);
		return -1;
	}
	memcpy(mapped->folder, point, sizeof(point));
	return 0;
}

int mapped_layers_mount(const struct layer_paths *layers, const struct id_maps *maps, struct mapped_layers *mapped,
			struct error *err)
{
	size_t common = common_length(layers);
	cleanup_free char *folder = common > 0 ? strndup(layers->items[0], common) : NULL;

	*mapped = (struct mapped_layers){ .paths.items = calloc(layers->count, sizeof(char *)) };
	if (!folder || !mapped->paths.items)
		return error_memory(err);
	if (mount_folder(folder, maps, mapped, err) < 0)
		return -1;
	for (; mapped->paths.count < layers->count; mapped->paths.count++) {
		char **path = &mapped->paths.items[mapped->paths.count];

		*path = text_format("%s/%s", mapped->folder, layers->items[mapped->paths.count] + common);
		if (!*path)
			return error_memory(err);
	}
	return 0;
}

void mapped_layers_release(struct mapped_layers *mapped)
{
	int saved = errno;

	layer_paths_free(&mapped->paths);
	if (*mapped->folder && umount2(mapped->folder, MNT_DETACH) == 0)
		rmdir(mapped->folder);
	*mapped = (struct mapped_layers){ 0 };
	errno = saved;
}
