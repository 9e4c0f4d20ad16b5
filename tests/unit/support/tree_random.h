/* Random changes to a directory tree, the same ones for the same seed: all kinds of entries and metadata
 * with few names, so that things are replaced, removed and made again. */
#ifndef WSNAP_TESTS_TREE_RANDOM_H
#define WSNAP_TESTS_TREE_RANDOM_H

#include <stdint.h>

/* The next number of a sequence that `state` seeds (splitmix64). */
uint64_t random_next(uint64_t *state);

/* Less than `limit`. */
unsigned random_below(uint64_t *state, unsigned limit);

/* The arguments [SEED [COUNT [FOLDER]]] of a test: what is not given stays. The scratch folder is made below FOLDER. */
void random_arguments(int argc, char **argv, uint64_t *seed, unsigned *count);

/* Makes `count` changes below the directory `root`; those that cannot be made (names that are taken,
 * directories that cannot be renamed across layers) are left out. Returns how many were made. */
unsigned tree_change(const char *root, unsigned count, uint64_t *state);

#endif
