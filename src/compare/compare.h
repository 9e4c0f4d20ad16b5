/*
 * What differs between two states of a workspace: versions, or the present. By their layers where these can be read one by
 * one, so that the cost follows the change; else by a walk through both trees.
 */
#ifndef WSNAP_COMPARE_COMPARE_H
#define WSNAP_COMPARE_COMPARE_H

#include "compare/comparison.h"

/* Compares. The present is read while the workspace runs; what vanishes meanwhile is passed over. */
int compare_run(struct comparison *comparison, const struct compare_request *request, struct error *err);

/* Opens the regular file of an item as it is now, or with `before` as it was; -1 with errno. Nothing is followed, and
 * nothing but a regular file is opened. Until the comparison is released. */
int compare_open(const struct compare_item *item, bool before);

/* Keeps what was found, and lets go of what was read for it: files can be opened no more. */
void comparison_let_go(struct comparison *comparison);

void comparison_release(struct comparison *comparison);

#define cleanup_comparison __attribute__((cleanup(comparison_release)))

/* "file", "directory", "symlink", "fifo", "socket", "char_device", "block_device". Static. */
const char *compare_kind(mode_t mode);

/* A PATH argument as a request takes it: absolute, without slashes at its end or twice, and without "." and "..". The
 * caller frees; NULL: ERROR_USAGE. */
char *compare_path(const char *word, struct error *err);

#endif
