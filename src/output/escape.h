/* Paths of workspaces for people: names are bytes, and none of them may steer a terminal or break a line. */
#ifndef WSNAP_OUTPUT_ESCAPE_H
#define WSNAP_OUTPUT_ESCAPE_H

#include "base/text.h"

/* Appends the path; control characters, backslashes and what is not UTF-8 as \ooo. */
void escape_path(struct text *text, const char *path);

#endif
