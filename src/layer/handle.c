#include "layer/handle.h"

#include <stdlib.h>

#include "base/cleanup.h"

struct file_handle *handle_of(int dir, const char *name)
{
	cleanup_free struct file_handle *handle = malloc(sizeof(*handle) + MAX_HANDLE_SZ);
	struct file_handle *smaller;
	int mount_id;

	if (!handle)
		return NULL;
	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(dir, name, handle, &mount_id, name[0] ? 0 : AT_EMPTY_PATH) < 0)
		return NULL;
	smaller = realloc(handle, sizeof(*handle) + handle->handle_bytes);
	if (smaller)
		handle = smaller;
	return steal_pointer(handle);
}

int handle_open(int mount, struct file_handle *handle, int flags)
{
	return open_by_handle_at(mount, handle, flags | O_CLOEXEC);
}
