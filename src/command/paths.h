/* PATH arguments. */
#ifndef WSNAP_COMMAND_PATHS_H
#define WSNAP_COMMAND_PATHS_H

#include <stddef.h>

#include "base/error.h"

struct paths {
	char **items; /* as compare_path() makes them */
	size_t count;
};

#define cleanup_paths __attribute__((cleanup(paths_release)))

/* ERROR_USAGE for a word that is no path. */
int paths_read(const char *const *words, size_t count, struct paths *paths, struct error *err);
void paths_release(struct paths *paths);

#endif
