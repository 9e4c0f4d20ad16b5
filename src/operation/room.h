/* Room on the disk for a change of a workspace's files: known before anything is changed, and held until then. */
#ifndef WSNAP_OPERATION_ROOM_H
#define WSNAP_OPERATION_ROOM_H

#include "replace/replace.h"

/* Whether what is left to be written fits on the filesystem of `upper`, the folder of the writable layer; NULL: nothing is
 * known of it. *rest is what the change itself will write, once its files are made. ERROR_FAILED, saying how much is
 * missing. */
int room_check(struct replace *replace, const char *upper, uint64_t *rest, struct error *err);

/* Takes that rest, so that nobody else can: *held is a file without a name, and closing it is what lets it go; -1 where the
 * filesystem has no such files. ERROR_FAILED. */
int room_hold(const char *upper, uint64_t rest, int *held, struct error *err);

#endif
