/*
 * Every way in which a process can change a file, one at a time: each has files of its own in the working directory.
 * Used by tests of live versions, which must not miss any of them.
 */
#ifndef WSNAP_TESTS_WRITERS_H
#define WSNAP_TESTS_WRITERS_H

#include <stdbool.h>
#include <stddef.h>

struct writer {
	const char *name;
	/* Its step number `round`, from 0. Opens what it needs at the first one and keeps it. 0, or -1 with errno. */
	int (*step)(unsigned round);
	bool clones;    /* needs a filesystem that copies by reference */
	bool in_flight; /* writes may land after the process stands still */
	bool nameless; /* files that get their names after they were written, or have lost the one that they were opened by */
};

extern const struct writer writers[];
extern const size_t writer_count;

/* A file of the layer below, which the writers copy from and write to: has to be in the image. */
#define WRITERS_SOURCE "source"
#define WRITERS_SOURCE_SIZE ((size_t)1 << 18)

#endif
