/*
 * cJSON with limits and errors: documents from outside are parsed under a
 * size limit, typed getters never trust what is there, and builders gather
 * their errors (a NULL from cJSON shows when the document is printed).
 */
#ifndef WSNAP_BASE_JSON_H
#define WSNAP_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

static inline void json_cleanup_pointer(cJSON **json)
{
	cJSON_Delete(*json);
}

#define cleanup_json __attribute__((cleanup(json_cleanup_pointer)))

/* Parses exactly one document of `length` bytes (RFC 8259); anything but white space behind
 * it is an error. `what` names it in the message. The caller deletes the result. */
cJSON *json_parse(const char *bytes, size_t length, const char *what, struct error *err);

/* The same for documents that are changed and written again. cJSON holds numbers as doubles: here
 * those that a double would not give back as they were (more than 15 digits, fractions, exponents)
 * are cJSON_Raw items with their own text. NUL characters, which would cut a string, are refused. */
cJSON *json_parse_exact(const char *bytes, size_t length, const char *what, struct error *err);

/* A member's text, or NULL when it is missing or no string. Belongs to `object`. */
const char *json_text(const cJSON *object, const char *key);

/* A member's whole number; `otherwise` when it is missing, no number, or out of range. */
int64_t json_integer(const cJSON *object, const char *key, int64_t otherwise);

/* Whether the member is `true`. */
bool json_true(const cJSON *object, const char *key);

/* Adds a string, or null for NULL. What is not UTF-8 is replaced. -1: out of memory. */
int json_add_text(cJSON *object, const char *key, const char *value, struct error *err);

/* The document in one line; the caller frees it. NULL: out of memory. */
char *json_print(const cJSON *json, struct error *err);

/* The same in lines, for people. */
char *json_print_lines(const cJSON *json, struct error *err);

#endif
