/*
 * YAML as far as CDI files need it: one document of maps, lists and scalars, read by libyaml
 * into cJSON. What can make a small file large or ambiguous is refused: aliases, tags other than !!str,
 * keys that are no scalars or come twice, more than 32 levels or 20,000 nodes, NUL characters.
 */
#ifndef WSNAP_DEVICE_YAML_H
#define WSNAP_DEVICE_YAML_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/*
 * Plain scalars are typed as in the core schema (YAML 1.2.2, chapter 10.3), quoted ones are strings. Two
 * differences: fractions stay strings, since no CDI field is one, and a leading 0 means octal, as in the
 * CDI library (a file mode of 0660 is what it looks like). Numbers and truths keep their own text in
 * `valuestring`, for fields that want a string. The caller deletes the result. ERROR_FAILED otherwise.
 */
cJSON *yaml_parse(const char *bytes, size_t length, struct error *err);

#endif
