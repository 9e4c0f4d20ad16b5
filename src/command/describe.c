#include "command/describe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "workspace/names.h"

void describe_saved(struct json_writer *writer, const struct described *version)
{
	cleanup_free char *shown = name_shown(version->display_name, version->version);

	if (!shown)
		writer->failed = true;
	writer_integer(writer, "version", version->version);
	writer_text(writer, "snapshot_name", shown);
	writer_text(writer, "runtime_snapshot_name", version->runtime_name);
	writer_text(writer, "display_name", version->display_name);
	writer_text(writer, "source", version->source);
	writer_time(writer, "created_at", version->created_ns);
}

void describe_version(struct json_writer *writer, const struct store_version *row)
{
	const struct described version = { row->version, row->display_name, row->runtime_name, row->source,
					   row->created_ns };

	writer_text(writer, "id", row->id);
	describe_saved(writer, &version);
}

void describe_origin(struct json_writer *writer, const struct origin *origin)
{
	writer_text(writer, "by", origin->by);
	writer_text(writer, "host", origin->host);
	writer_text(writer, "note", origin->note);
}

void describe_time(int64_t unix_ns, char text[static DESCRIBE_TIME_SIZE])
{
	char *fraction;

	_Static_assert(DESCRIBE_TIME_SIZE >= CLOCK_TEXT_SIZE, "a time fits");
	clock_format(unix_ns, text);
	fraction = strchr(text, '.');
	if (fraction)
		memcpy(fraction, "Z", 2);
}

void describe_age(int64_t unix_ns, int64_t now_ns, char text[static DESCRIBE_AGE_SIZE])
{
	static const struct {
		const char *unit;
		int64_t seconds, most; /* shown in this unit up to so many seconds */
	} units[] = { { "s", 1, 120 },
		      { "min", 60, 7200 },
		      { "h", 3600, 172800 },
		      { "d", 86400, 86400 * 90 },
		      { "mo", 2629746, 2629746 * 24 },
		      { "y", 31556952, INT64_MAX } };
	int64_t age = (now_ns - unix_ns) / 1000000000;
	size_t i = 0;

	age = age < 0 ? 0 : age;
	while (age >= units[i].most)
		i++;
	snprintf(text, DESCRIBE_AGE_SIZE, "%lld%s", (long long)(age / units[i].seconds), units[i].unit);
}

void describe_size(struct json_writer *writer, const struct snapshot_size *size)
{
	if (size->known) {
		writer_integer(writer, "size_bytes", size->bytes);
		writer_integer(writer, "size_inodes", size->inodes);
	} else {
		writer_null(writer, "size_bytes");
		writer_null(writer, "size_inodes");
	}
}
