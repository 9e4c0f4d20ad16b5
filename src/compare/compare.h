/*
 * What differs between two states of a workspace: versions, or the present. By their layers where these can be read one by
 * one, so that the cost follows the change; else by a walk through both trees.
 */
#ifndef WSNAP_COMPARE_COMPARE_H
#define WSNAP_COMPARE_COMPARE_H

#include <stdint.h>
#include <sys/types.h>

#include "compare/held.h"
#include "store/versions.h"
#include "workspace/target.h"

struct compare_request {
	const struct target *target;
	const struct store_version *before; /* NULL: nothing at all */
	const struct store_version *now;    /* NULL: the present, which must be there */
	const char *const *paths; /* absolute, without a slash at the end; with any, only these and what lies below */
	size_t path_count;
};

struct compare_item {
	char *path;
	char change; /* 'A', 'M', 'D' */
	mode_t mode; /* its kind: as it is now; of 'D' as it was */
	mode_t mode_before;
	int64_t size, size_before;
	const char *now, *before; /* the folder that shows it, NULL where it is not */
};

struct compare_stack {
	struct layer_paths layers; /* or one tree, */
	enum layer_marks marks;
	int tree; /* by its descriptor; else -1 */
};

/* Set `session`, the rest to zero. */
struct comparison {
	struct session *session;
	struct compare_item *items; /* sorted by the bytes of the path */
	size_t count, capacity;

	const struct compare_request *request;
	struct held held;
	struct compare_stack now, before;
};

#define cleanup_comparison __attribute__((cleanup(comparison_release)))

/* Compares. The present is read while the workspace runs; what vanishes meanwhile is passed over. */
int compare_run(struct comparison *comparison, const struct compare_request *request, struct error *err);

/* Opens the regular file of an item as it is now, or with `before` as it was; -1 with errno. Nothing is followed, and
 * nothing but a regular file is opened. Until the comparison is released. */
int compare_open(const struct compare_item *item, bool before);

void comparison_release(struct comparison *comparison);

/* "file", "directory", "symlink", "fifo", "socket", "char_device", "block_device". Static. */
const char *compare_kind(mode_t mode);

/* A PATH argument as a request takes it: absolute, without slashes at its end or twice, and without "." and "..". The
 * caller frees; NULL: ERROR_USAGE. */
char *compare_path(const char *word, struct error *err);

#endif
