/*
 * What is told of a version, the same in every command: each column with its keys in JSON is one row here. To add one: a row,
 * its functions, and its name in the lists of the commands that tell it.
 */
#ifndef WSNAP_COMMAND_VERSION_COLUMNS_H
#define WSNAP_COMMAND_VERSION_COLUMNS_H

#include "output/columns.h"
#include "workspace/history.h"

/* A version and what is known of it. A row of a list of versions is one of these, or begins with one. */
struct version_line {
	const struct store_version *row;
	bool current, present;
	int64_t now_ns;                   /* for its age */
	const struct snapshot_size *size; /* NULL: not asked for */
	const struct origin *origin;      /* NULL: not asked for */
};

void version_show_current(const void *row, struct text *cell);
void version_write_current(const void *row, struct json_writer *writer);
void version_show_number(const void *row, struct text *cell);
void version_write_number(const void *row, struct json_writer *writer);
void version_show_name(const void *row, struct text *cell);
void version_write_snapshot_name(const void *row, struct json_writer *writer);
void version_write_display_name(const void *row, struct json_writer *writer);
void version_show_source(const void *row, struct text *cell);
void version_write_source(const void *row, struct json_writer *writer);
void version_show_created(const void *row, struct text *cell);
void version_write_created(const void *row, struct json_writer *writer);
void version_show_age(const void *row, struct text *cell);
void version_show_size(const void *row, struct text *cell);
void version_write_bytes(const void *row, struct json_writer *writer);
void version_show_inodes(const void *row, struct text *cell);
void version_write_inodes(const void *row, struct json_writer *writer);
void version_show_present(const void *row, struct text *cell);
void version_write_present(const void *row, struct json_writer *writer);
void version_show_runtime_name(const void *row, struct text *cell);
void version_write_runtime_name(const void *row, struct json_writer *writer);
void version_show_id(const void *row, struct text *cell);
void version_write_id(const void *row, struct json_writer *writer);
void version_show_by(const void *row, struct text *cell);
void version_write_by(const void *row, struct json_writer *writer);
void version_show_host(const void *row, struct text *cell);
void version_write_host(const void *row, struct json_writer *writer);
void version_show_note(const void *row, struct text *cell);
void version_write_note(const void *row, struct json_writer *writer);

/* clang-format off */
#define VERSION_CURRENT { "current", { "", 0, false }, true, version_show_current, version_write_current }
#define VERSION_NUMBER { "version", { "VERSION", 0, false }, true, version_show_number, version_write_number }
#define VERSION_NAME { "name", { "NAME", 0, true }, true, version_show_name, version_write_snapshot_name }
#define VERSION_DISPLAY_NAME { .name = "display_name", .write = version_write_display_name }
#define VERSION_SOURCE { "source", { "SOURCE", 5, false }, true, version_show_source, version_write_source }
#define VERSION_CREATED { "created", { "CREATED", 6, false }, true, version_show_created, version_write_created }
#define VERSION_AGE { "age", { "AGE", 2, false }, true, version_show_age, NULL }
#define VERSION_SIZE { "size", { "SIZE", 3, false }, false, version_show_size, version_write_bytes }
#define VERSION_INODES { "inodes", { "INODES", 7, false }, false, version_show_inodes, version_write_inodes }
#define VERSION_PRESENT { "snapshot", { "SNAPSHOT", 1, false }, true, version_show_present, version_write_present }
#define VERSION_RUNTIME_NAME \
	{ "runtime_name", { "RUNTIME NAME", 8, true }, false, version_show_runtime_name, version_write_runtime_name }
#define VERSION_ID { "id", { "ID", 9, false }, false, version_show_id, version_write_id }
#define VERSION_BY { "by", { "BY", 0, false }, true, version_show_by, version_write_by }
#define VERSION_HOST { "host", { "HOST", 0, false }, true, version_show_host, version_write_host }
#define VERSION_NOTE { "note", { "NOTE", 0, false }, true, version_show_note, version_write_note }
/* clang-format on */

/* The keys of a version that was just made: all but its id. */
void version_write_saved(const struct store_version *row, struct json_writer *writer);

/* The same, and its id. */
void version_write(const struct store_version *row, struct json_writer *writer);

#endif
