/* Who runs this wsnap, where, and what for. */
#ifndef WSNAP_WORKSPACE_ORIGIN_H
#define WSNAP_WORKSPACE_ORIGIN_H

#include "base/error.h"

struct origin {
	char *by; /* "alice (uid 1000, bash)": the user who logged in, or the one behind sudo, and the parent's command */
	char *host; /* NULL: it has no name */
	char *note; /* NULL: none was given */
};

/* Looks it up. `note` is as it was given, or NULL. -1: no memory. */
int origin_find(const char *note, struct origin *origin, struct error *err);
void origin_release(struct origin *origin);

/* Copies what is known; NULL is nothing. -1: no memory. */
int origin_keep(const char *by, const char *host, const char *note, struct origin *origin, struct error *err);

#endif
