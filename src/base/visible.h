/* What of a text can be seen (Unicode 15: characters without a glyph, white space, and those that turn the direction of
 * what follows). The texts must be UTF-8. */
#ifndef WSNAP_BASE_VISIBLE_H
#define WSNAP_BASE_VISIBLE_H

#include <stdbool.h>

/* Whether a character in it leaves a mark. */
bool visible_has_any(const char *text);

/* Whether a bidirectional override (U+202D, U+202E) comes before its first visible character. */
bool visible_begins_overridden(const char *text);

#endif
