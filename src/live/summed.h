/*
 * A file of ours that is read as it was written or not at all: behind its bytes stands a sum over them. Failures are kept
 * until the end, so that nobody has to look at each call.
 */
#ifndef WSNAP_LIVE_SUMMED_H
#define WSNAP_LIVE_SUMMED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SUMMED_BLOCK 65536

struct summed {
	int fd;
	uint64_t sum; /* of all blocks that are full */
	off_t left;   /* when reading: bytes that are not in a block yet */
	size_t used, at;
	int failure; /* errno of the first one; 0: none */
	_Alignas(8) unsigned char block[SUMMED_BLOCK];
};

/* Begins to write the file anew: -1 with errno. */
int summed_create(struct summed *file, const char *path);
void summed_put(struct summed *file, const void *bytes, size_t size);
/* Writes what is left and the sum: -1 with errno, of any failure until now. */
int summed_finish(struct summed *file);

/* Begins to read: -1 with errno. */
int summed_open(struct summed *file, const char *path);
/* All are 0 where there are not so many. */
void summed_get(struct summed *file, void *bytes, size_t size);
/* Whether all was read, and is what was written. */
bool summed_is_whole(struct summed *file);

void summed_close(struct summed *file);

#define cleanup_summed __attribute__((cleanup(summed_close)))

#endif
