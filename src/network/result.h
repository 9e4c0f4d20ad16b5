/* Results of ADD (CNI Specification 1.1.0, section 5): read, brought to a version, asked for the address. */
#ifndef WSNAP_NETWORK_RESULT_H
#define WSNAP_NETWORK_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/* What a plugin printed, in the form of `version`. NULL with ERROR_FAILED: not a result, or
 * of a version that is not ours. The caller deletes it. */
cJSON *result_parse(const char *bytes, size_t length, const char *version, struct error *err);

/* A copy in the form of `version` (what libcni does with a cached result). NULL: not a result, or no memory. */
cJSON *result_as_version(const cJSON *result, const char *version, struct error *err);

/* The first address with its prefix length into *address, which the caller frees; NULL where it has none. */
int result_address(const cJSON *result, char **address, struct error *err);

/* Whether it is an IPv4 or IPv6 address with a prefix length, like "10.88.0.5/16". */
bool result_address_is_valid(const char *address);

#endif
