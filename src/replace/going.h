/* Large files that go, or that others are put in place of: the filesystem gives back what they hold, which takes long, only when
 * they are let go of, and not while everybody waits for the change. */
#ifndef WSNAP_REPLACE_GOING_H
#define WSNAP_REPLACE_GOING_H

#include "replace/replace.h"

/* What has the name now, before that is taken from it. Small files, and those for which there is no descriptor, go at once. */
void going_hold(struct replace *replace, int folder, const char *name);

void going_release(struct replace *replace);

#endif
