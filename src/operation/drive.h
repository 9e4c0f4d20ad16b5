/* Runs the table of steps, and decides what a failing step means for the workspace. */
#ifndef WSNAP_OPERATION_DRIVE_H
#define WSNAP_OPERATION_DRIVE_H

#include "operation/run.h"

/*
 * Runs the steps from the one named `first` to the end. 0: done and durable.
 * ERROR_INCOMPLETE: something is saved, or the workspace is not back yet; the record stays for recovery. Any
 * other error: the workspace is as it was before.
 */
int drive(struct run *run, const char *first, struct error *err);

/* Turns an operation around and runs what leads back to the state before. `why` is kept in the record. */
int drive_back(struct run *run, const char *why, struct error *err);

/* Whether what cannot be taken back has happened: the state is committed, or nothing was to be
 * saved and the container stands on its new snapshot. 1, 0, -1. */
int drive_took_effect(struct run *run, struct error *err);

#endif
