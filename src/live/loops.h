/*
 * Files behind loop devices (loop(4)). The kernel writes to such a file by itself: no process has it open, no process that
 * stands still keeps it from that, and nothing tells of it, with direct I/O, or before Linux 6.5.
 */
#ifndef WSNAP_LIVE_LOOPS_H
#define WSNAP_LIVE_LOOPS_H

#include "live/processes.h"

/* Calls `each` with those that may lie in the tree `merged`, as if they were open past the page cache. */
int loops_files(int merged, processes_each_file each, void *context, struct error *err);

#endif
