/*
 * The rules for names of the Container Device Interface (SPEC.md, "Kind" and "CDI Devices"; where its words
 * and the pkg/parser of its library differ, the library, which is what vendors test against).
 */
#ifndef WSNAP_DEVICE_NAMES_H
#define WSNAP_DEVICE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* vendor/class: both begin with a letter and end with a letter or digit; between them also _ - and . */
bool cdi_kind_is_valid(const char *kind, size_t length);

/* Begins and ends with a letter or digit; between them also _ - . and : */
bool cdi_device_is_valid(const char *name);

/* kind=device */
bool cdi_name_is_valid(const char *name);

#endif
