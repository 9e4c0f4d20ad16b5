/* Files out of scope that items become one more name of, as long as they are what the version has. */
#ifndef WSNAP_REPLACE_OUTSIDE_H
#define WSNAP_REPLACE_OUTSIDE_H

#include "replace/replace.h"

/* It was just seen to be what the version has. One that is there already is none the worse. */
int outside_add(struct replace *replace, const char *path, struct error *err);

void outside_release(struct replace *replace);

#endif
