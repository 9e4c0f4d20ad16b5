/*
 * Where a command's result goes: standard output, through stdio's buffer. Writes are not
 * checked one by one: output_end() says whether all of them arrived.
 */
#ifndef WSNAP_OUTPUT_OUTPUT_H
#define WSNAP_OUTPUT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "output/json_writer.h"

struct output {
	FILE *stream;
	bool json;
	bool quiet;
	int failure_status; /* of a run that fails, whatever the error; 0: the error's own */
	int exit_status;    /* of a run that did what it was to do; 0 unless a command says otherwise */
	bool changed;       /* something was changed: output that fails does not mean that nothing was done */
	size_t columns;     /* of the terminal that the stream is; 0: it is none, and lines are as long as they are */
	bool colour;
};

/* One line of text for people; control characters are replaced. */
void output_line(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ERROR_FAILED when the stream could not be written (a full disk, a closed pipe): 'standard output cannot be written'.
 * ERROR_INCOMPLETE where something was changed all the same. */
int output_end(struct output *out, struct error *err);

/* Writes an error to `stream`: "wsnap: MESSAGE" and "hint: HINT", or the JSON document
 * {"error":{code, exit_status, message, hint}}, with the status that the program ends with. */
void output_error(FILE *stream, bool json, const struct error *error, int exit_status);

/* The member "error" of an object: {code, exit_status, message, hint}. Its status is that of its kind: that of one of several,
 * whatever the program then ends with. */
void output_json_error(struct json_writer *writer, const struct error *error);

/* A size for people in at most six columns: "0 B", "999 B", "1.5 KiB", "20 GiB". */
#define OUTPUT_SIZE_SIZE 32
void output_format_size(long long bytes, char text[static OUTPUT_SIZE_SIZE]);

#endif
