/* How versions and times are shown, the same in every command. */
#ifndef WSNAP_COMMAND_DESCRIBE_H
#define WSNAP_COMMAND_DESCRIBE_H

#include <stdint.h>

#include "output/json_writer.h"
#include "workspace/history.h"
#include "workspace/session.h"

/* A version, wherever it is known from. */
struct described {
	int32_t version;
	const char *display_name; /* NULL: none */
	const char *runtime_name;
	const char *source;
	int64_t created_ns;
};

/* The keys of a version: version, snapshot_name, runtime_snapshot_name, display_name, source, created_at. */
void describe_saved(struct json_writer *writer, const struct described *version);

/* The same of a row, with its id: id, version, snapshot_name, runtime_snapshot_name, display_name, source, created_at. */
void describe_version(struct json_writer *writer, const struct store_version *row);

/* The keys by, host and note, null where they are not known. */
void describe_origin(struct json_writer *writer, const struct origin *origin);

/* A time for people, to the second: 2026-01-31T23:59:59Z. */
#define DESCRIBE_TIME_SIZE 40
void describe_time(int64_t unix_ns, char text[static DESCRIBE_TIME_SIZE]);

/* How old something is, for people: "12s", "5min", "2h", "3d", "4mo", "2y". */
#define DESCRIBE_AGE_SIZE 32
void describe_age(int64_t unix_ns, int64_t now_ns, char text[static DESCRIBE_AGE_SIZE]);

/* The keys size_bytes and size_inodes, null when it is not known. */
void describe_size(struct json_writer *writer, const struct snapshot_size *size);

#endif
