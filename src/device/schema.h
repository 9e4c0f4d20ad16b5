/*
 * The shape of a CDI file (SPEC.md, "CDI JSON Specification", and specs-go/config.go of its library) as
 * one table of fields: type, range, and the version that brought each of them.
 */
#ifndef WSNAP_DEVICE_SCHEMA_H
#define WSNAP_DEVICE_SCHEMA_H

#include "base/error.h"
#include "base/json.h"

/*
 * Checks the whole file: version and the fields it allows, kind, names, and the edits. Like the library, it
 * refuses fields it does not know, and finds those it knows whatever their case. Afterwards the tree is
 * canonical: keys are spelled as in the table, no member is null, every member has its type. ERROR_FAILED
 * otherwise.
 */
int cdi_file_check(cJSON *file, struct error *err);

#endif
