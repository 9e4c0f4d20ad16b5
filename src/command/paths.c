#include "command/paths.h"

#include <stdlib.h>

#include "compare/compare.h"

int paths_read(const char *const *words, size_t count, struct paths *paths, struct error *err)
{
	paths->items = calloc(count + 1, sizeof(*paths->items));
	if (!paths->items)
		return error_memory(err);
	for (size_t i = 0; i < count; i++) {
		paths->items[i] = compare_path(words[i], err);
		if (!paths->items[i])
			return -1;
		paths->count++;
	}
	return 0;
}

void paths_release(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct paths){ 0 };
}
