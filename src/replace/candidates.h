/* The files that can be made before they are put in place; for stage.c, shelf.c and cost.c. */
#ifndef WSNAP_REPLACE_CANDIDATES_H
#define WSNAP_REPLACE_CANDIDATES_H

#include <sys/stat.h>

#include "replace/replace.h"

/* An item of which a file has to be made, as the tree has it. */
struct candidate {
	struct replace_item *item;
	int folder; /* that holds it in the tree; the change's */
	const char *name;
	struct stat status;
};

/* 1 it is one; 0; -1. */
int candidate_find(struct replace *replace, struct replace_item *item, struct candidate *candidate, struct error *err);

#endif
