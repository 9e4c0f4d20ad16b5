/*
 * One JSON document (RFC 8259), written while it is made: memory does not grow with it.
 *
 * Set `stream`, the rest to zero. The first call opens the document, the last writer_close() ends
 * it and its line. Inside an object every value has a key, inside an array `key` is
 * NULL. After a mistake in that order nothing more is written, and `failed` is set. Whether the
 * stream took it all is output_end()'s question.
 */
#ifndef WSNAP_OUTPUT_JSON_WRITER_H
#define WSNAP_OUTPUT_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define WRITER_MAX_DEPTH 16

struct json_writer {
	FILE *stream;
	char open[WRITER_MAX_DEPTH]; /* '}' or ']' of what is open */
	unsigned depth;
	bool comma; /* a value stands before the next one */
	bool failed;
};

void writer_object(struct json_writer *writer, const char *key);
void writer_array(struct json_writer *writer, const char *key);
void writer_close(struct json_writer *writer);

/* A path, byte by byte: under the key, or where it is not UTF-8 in base64 (RFC 4648) under KEY_base64. */
void writer_path(struct json_writer *writer, const char *key, const char *path);

/* A string; NULL is null. What is not UTF-8 becomes '?'. */
void writer_text(struct json_writer *writer, const char *key, const char *value);
void writer_integer(struct json_writer *writer, const char *key, int64_t value);
/* The integer, or null where it is not known. */
void writer_known(struct json_writer *writer, const char *key, bool known, int64_t value);
void writer_null(struct json_writer *writer, const char *key);
void writer_bool(struct json_writer *writer, const char *key, bool value);

/* Milliseconds, with three decimals. */
void writer_ms(struct json_writer *writer, const char *key, double ms);

/* A time, nanoseconds since 1970, as RFC 3339 in UTC; null for 0. */
void writer_time(struct json_writer *writer, const char *key, int64_t unix_ns);

/* A value that is one line of JSON already; the caller has parsed it. */
void writer_raw(struct json_writer *writer, const char *key, const char *json);

#endif
