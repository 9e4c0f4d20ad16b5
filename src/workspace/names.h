/* The names that users give and the names that wsnap makes. */
#ifndef WSNAP_WORKSPACE_NAMES_H
#define WSNAP_WORKSPACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define NAME_MAX_BYTES 128

/* A display name as it is stored: trimmed, 1 to 128 bytes of UTF-8, no control characters, not digits
 * alone, no '@' at its beginning. The caller frees; NULL: ERROR_USAGE. */
char *name_check(const char *text, struct error *err);

/* ERROR_USAGE, for whoever cannot do without a name. Returns -1. */
int name_refuse_empty(struct error *err);

/* A --source: 1 to 32 of [a-z0-9_-]. ERROR_USAGE. */
int name_check_source(const char *text, struct error *err);

/* "Version N" or the display name; the caller frees. NULL: no memory. */
char *name_shown(const char *display_name, int32_t version);

#endif
