/* Removing entries of the root, whatever they are. */
#ifndef WSNAP_REPLACE_REMOVE_H
#define WSNAP_REPLACE_REMOVE_H

#include "replace/replace.h"

/* Removes an entry, with all that is in it. One that is not there is no error. */
int remove_entry(struct replace *replace, const char *path, struct error *err);

/* Takes the marks off an entry, and the folder that holds it, that keep even root from changing it (chattr(1), "i" and "a").
 * Whether there were any. */
bool loosen(int folder, const char *name);

#endif
