/* How differences are shown: lines, numbers with a bar, JSON. */
#ifndef WSNAP_COMMAND_DIFF_PRINT_H
#define WSNAP_COMMAND_DIFF_PRINT_H

#include "command/command.h"
#include "compare/compare.h"
#include "output/json_writer.h"

struct diff_options {
	bool stat;
	bool patch;
	bool null;
	bool exit_code;
	bool spec;
};

struct diff_header {
	const char *container_id;
	int32_t from, to; /* 0: the present */
};

/* All of it, in the form that the invocation asks for. */
int diff_print(const struct invocation *invocation, const struct diff_header *header,
	       const struct comparison *comparison, struct error *err);

/* "M /etc/hosts". */
int diff_print_line(struct output *out, const struct compare_item *item, struct error *err);

/* Opens the document and its array of changes: two writer_close() end it, what comes between them are members of it. */
void diff_open_document(struct json_writer *writer, const struct diff_header *header);

/* "added", "modified", "deleted". Static. */
const char *diff_change_word(char change);

/* The keys of a change; the value is an element of the array that is open. */
void diff_print_item(struct json_writer *writer, const struct compare_item *item);

/* What a comparison comes to. */
struct diff_sum {
	size_t added, modified, deleted;
	int64_t more, less; /* bytes that came, bytes that went */
};
struct diff_sum diff_sum_of(const struct comparison *comparison);

/* As the object `stat`. */
void diff_write_sum(struct json_writer *writer, const struct diff_sum *sum);

/* "3 changes (1 added, 2 modified), 12 KiB more, 1.0 KiB less" */
#define DIFF_SUM_SIZE 160
void diff_format_sum(const struct diff_sum *sum, char text[static DIFF_SUM_SIZE]);

#endif
