/* The standard streams that a task gets when it is created again. */
#ifndef WSNAP_TASK_STREAMS_H
#define WSNAP_TASK_STREAMS_H

#include "ctr/tasks.h"

/*
 * Whether somebody reads a FIFO that the task writes to, who gets nothing from the next task: *path is the FIFO
 * (belongs to the streams), *pid who reads it. Shims hold it open as well, and are nobody.
 */
bool streams_find_reader(const struct ctr_task_streams *streams, const char **path, int *pid);

/*
 * From the streams of the old task: URIs (file://, binary://) and plain files are kept. A FIFO is
 * dropped, since the client that read it ended with the old task, and a task would block on it. A
 * terminal needs a place for its output: /dev/null where it has no other.
 */
int streams_keep(const struct ctr_task_streams *old, struct ctr_task_streams *kept, struct error *err);

#endif
