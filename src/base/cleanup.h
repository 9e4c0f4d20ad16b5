/*
 * Cleanup attributes for what every module uses, and how to take something out
 * of one. Only what belongs to this process is cleaned up so: never anything
 * done to containerd, Postgres or the disk.
 */
#ifndef WSNAP_BASE_CLEANUP_H
#define WSNAP_BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_pointer(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

static inline void cleanup_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void cleanup_close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define cleanup_free __attribute__((cleanup(cleanup_free_pointer)))
#define cleanup_fd __attribute__((cleanup(cleanup_close_fd)))
#define cleanup_dir __attribute__((cleanup(cleanup_close_dir)))
#define cleanup_file __attribute__((cleanup(cleanup_close_file)))

/* The value of a pointer variable, which becomes NULL: its cleanup does nothing then. */
#define steal_pointer(variable)                            \
	({                                                 \
		__typeof__(variable) stolen_ = (variable); \
		(variable) = NULL;                         \
		stolen_;                                   \
	})

/* The same for a descriptor, which becomes -1. */
static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
