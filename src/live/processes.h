/*
 * The processes of a control group, and the files that they may write to without anybody being told: those that
 * are mapped shared, and those that are open for writing (/proc/PID/map_files, fd, fdinfo; proc(5)).
 */
#ifndef WSNAP_LIVE_PROCESSES_H
#define WSNAP_LIVE_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

struct processes {
	uint32_t *pids;
	size_t count, capacity;
};

#define cleanup_processes __attribute__((cleanup(processes_release)))

/* All in the group whose folder this is, and below it. */
int processes_in(struct processes *processes, const char *folder, struct error *err);

/* The first process of a workspace, and all others in its PID namespace and those below, where that is its own. */
int processes_of(struct processes *processes, uint32_t pid, struct error *err);

int processes_add(struct processes *processes, uint32_t pid, struct error *err);
void processes_release(struct processes *processes);

struct open_file {
	int link_dir;       /* /proc/PID/fd or map_files, open */
	const char *link;   /* in it */
	struct stat status; /* what the overlay says of it */
	bool mapped;        /* shared */
	bool direct;        /* writes may be under way that nobody waits for: O_DIRECT, or asynchronous I/O */
};

/* A failure of `each` ends the look. Processes that end meanwhile are passed over. */
typedef int (*processes_each_file)(const struct open_file *file, void *context, struct error *err);

/* How a process writes past the page cache without waiting for it: such a write may land after the file was closed, and all
 * stand still. */
enum {
	PROCESSES_AIO = 1,  /* io_submit(2): nothing tells of its end */
	PROCESSES_RING = 2, /* io_uring(7) */
};

/* Files of one process: those mapped shared, and if `descriptors` those open for writing too. Returns what it has of the ways
 * above, -1 on an error. */
int processes_files(uint32_t pid, bool descriptors, processes_each_file each, void *context, struct error *err);

#endif
