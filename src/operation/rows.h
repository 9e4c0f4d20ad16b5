/* What an operation writes to the database, before it is done and after it. */
#ifndef WSNAP_OPERATION_ROWS_H
#define WSNAP_OPERATION_ROWS_H

#include "store/operation.h"
#include "workspace/record.h"
#include "workspace/session.h"

/* The rows of an operation as far as its record goes. The texts belong to the record. */
struct store_operation rows_of(const struct record *record);

/* Whether the database would take them, for the checks before anything is touched. ERROR_DATABASE. */
int rows_rehearse(struct session *session, const struct record *record, struct error *err);

/*
 * Writes the rows that the database refused when the operation was done, and forgets that it did; what was saved
 * gets the version's number, in *version (0 where nothing was saved). 1: nothing is written, and it is forgotten with a
 * warning, because the snapshot has been given up or removed since. ERROR_INCOMPLETE where it refuses again: the hint says
 * what must change.
 */
int rows_write_refused(struct session *session, const struct record *record, int32_t *version, struct error *err);

/* Puts the number of the version on its snapshot. Somebody may have removed that from containerd meanwhile: the version has
 * its row all the same, and doctor names it. */
int rows_label_saved(struct session *session, const struct record *record, int32_t version, struct error *err);

/* ERROR_INCOMPLETE for what is saved and not recorded because of the error in *err. Returns -1. */
int rows_are_refused(const struct record *record, struct error *err);

#endif
