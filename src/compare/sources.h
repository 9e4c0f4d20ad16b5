/* Where the two states that are compared lie on this host; internal to compare/. */
#ifndef WSNAP_COMPARE_SOURCES_H
#define WSNAP_COMPARE_SOURCES_H

#include "compare/comparison.h"

/* Fills `now` and `before` of the comparison from its request, and holds what they read. */
int sources_find(struct comparison *comparison, struct error *err);

/* Puts mounted trees in the place of stacks of layers that cannot be read one by one. */
int sources_mount(struct comparison *comparison, struct error *err);

#endif
