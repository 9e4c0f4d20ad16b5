/*
 * The configuration file: lines of `key = value`, '#' begins a comment at the start of a
 * line or after white space. A value ends with its line; quotes have no meaning.
 */
#ifndef WSNAP_BASE_CONFIG_H
#define WSNAP_BASE_CONFIG_H

#include <stdbool.h>

#include "base/options.h"

/* Bytes that a file may have. */
#define CONFIG_LIMIT 65536

/*
 * Sets those of `table` that the file names. A missing file is an error only if it `must_exist`. ERROR_USAGE, with
 * file and line, for an unknown or repeated key, a bad value, a NUL byte, text that is not UTF-8; and for a
 * file that is too long, is no regular one, cannot be read or may be written by others (by everybody, where we are not root). Behind a line that
 * is wrong the rest is read all the same, so that the output format is known.
 */
int config_read(const char *path, bool must_exist, const struct option_spec *table, void *values, struct error *err);

/* The same for a text already read; `path` is for messages. */
int config_parse(const char *path, const char *bytes, size_t length, const struct option_spec *table, void *values,
		 struct error *err);

#endif
