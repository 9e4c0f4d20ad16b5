/* Compares two directory trees with all that a process in them can see. */
#ifndef WSNAP_TESTS_TREE_COMPARE_H
#define WSNAP_TESTS_TREE_COMPARE_H

#include <stdbool.h>

#include "base/text.h"

/* Whether both trees hold the same names, types, owners, modes, sizes, modification times (ns), device
 * numbers, link targets, contents, extended attributes and groups of hard links. Where they do not,
 * `difference` says what the first one is. `loosely`: times of directories and hard links do not count. */
bool trees_equal(const char *a, const char *b, bool loosely, struct text *difference);

/* How many entries the last comparison on this thread saw. */
unsigned long trees_compared(void);

#endif
