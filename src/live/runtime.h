/*
 * How long a workspace's processes have run on a processor, all of them together, since their control group was made. It
 * grows whenever one of them runs, and not at all while they stand still (a signal to one of them may wake it up for a
 * moment): so it tells whether somebody has let them run meanwhile, and has frozen them again.
 */
#ifndef WSNAP_LIVE_RUNTIME_H
#define WSNAP_LIVE_RUNTIME_H

#include <stdint.h>

/* The file that counts it, open; -1: nobody counts it for them alone. `pid` is that of the first process. */
int runtime_open(uint32_t pid);

/* What it says of processes that are frozen, in the kernel's own unit; -1: it cannot be read. Takes some milliseconds: who counts
 * as frozen may still be on its way off the processor. */
int64_t runtime_settled(int file);

#endif
