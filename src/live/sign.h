/*
 * A small file that says whether a workspace may be frozen by us: whoever comes after a crash thaws only what nobody has
 * thawed yet, since somebody else may have paused it by then. It is written in place, so that it needs no room, and not
 * flushed: nothing is frozen any more after a reboot.
 */
#ifndef WSNAP_LIVE_SIGN_H
#define WSNAP_LIVE_SIGN_H

#include <stdbool.h>

#include "base/error.h"

/* Opens it, or makes it. Unless it is to be kept as it is it says that nothing is frozen. A descriptor, or -1. */
int sign_open(int folder, const char *name, bool keep, struct error *err);

/* With -1 for the file there is none, and nothing is done. */
int sign_write(int file, bool frozen, struct error *err);

/* The same for the guard, which can do nothing about a failure. */
void sign_write_thawed(int file);

/* Whether it says so for certain. */
bool sign_says_thawed(int folder, const char *name);

#endif
