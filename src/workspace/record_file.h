/*
 * A record as a file of the state directory. Called by the journal, for the records of operations that go on and for
 * those whose rows the database has refused.
 */
#ifndef WSNAP_WORKSPACE_RECORD_FILE_H
#define WSNAP_WORKSPACE_RECORD_FILE_H

#include "workspace/record.h"

/* Replaces the file `name` in the open directory `dir`: the old record or the new one survives a power cut. */
int record_file_write(int dir, const char *name, const struct record *record, struct error *err);

/* Reads it back: 1 when there is no such file, -1 when it cannot be read or could not be ours. */
int record_file_read(int dir, const char *name, struct record *record, struct error *err);

#endif
