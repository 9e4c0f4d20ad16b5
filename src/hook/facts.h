/* What a hook is told of an operation: as its environment, and as one JSON document. */
#ifndef WSNAP_HOOK_FACTS_H
#define WSNAP_HOOK_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum hook_phase {
	HOOK_PRE,  /* nothing was touched yet */
	HOOK_POST, /* the operation has ended, well or not */
};

/* What is told; a text that is NULL is empty. The texts stay the caller's. */
struct hook_facts {
	const char *operation; /* "create", … */
	const char *operation_id;
	const char *container_id;
	const char *bot_id;
	const char *namespace;
	const char *source;
	bool live;
	int version;     /* HOOK_POST: that was saved, 0 for none */
	int exit_status; /* HOOK_POST: 0, or of what kind the failure was */
};

#define HOOK_VARIABLES_MOST 24

struct hook_told {
	char *variables[HOOK_VARIABLES_MOST + 1]; /* NULL at the end */
	size_t count;
	char *json;
};

/* The same members in both, but for what is passed on of our own environment, and never a password of the database. */
int hook_told(struct hook_told *told, enum hook_phase phase, const struct hook_facts *facts, struct error *err);

void hook_told_release(struct hook_told *told);

#define cleanup_hook_told __attribute__((cleanup(hook_told_release)))

#endif
