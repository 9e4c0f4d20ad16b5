/* UUIDs (RFC 9562) in their text form of 36 lower-case characters. */
#ifndef WSNAP_BASE_ID_H
#define WSNAP_BASE_ID_H

#include <stdbool.h>

#define ID_SIZE 37 /* with the NUL */

/* A random one, version 4. */
void id_random(char id[static ID_SIZE]);

/* The version 5 UUID of `name` under wsnap's own fixed namespace UUID. */
void id_of_name(const char *name, char id[static ID_SIZE]);

/* Whether the text is a UUID in any case; then `id` is its lower-case form. */
bool id_parse(const char *text, char id[static ID_SIZE]);

#endif
