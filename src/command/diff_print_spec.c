#include "command/diff_print_spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "output/escape.h"

/* A document may have been written by anybody: in JSON characters that steer a terminal may stand as they are. */
static char *clean(const char *json, struct error *err)
{
	char *copy = strdup(json);

	if (copy)
		text_clean(copy);
	else
		error_memory(err);
	return copy;
}

static int write_value(struct json_writer *writer, const char *key, const char *json, struct error *err)
{
	cleanup_free char *cleaned = json ? clean(json, err) : NULL;

	if (json && !cleaned)
		return -1;
	if (json)
		writer_raw(writer, key, cleaned);
	else
		writer_null(writer, key);
	return 0;
}

static int print_json(struct output *out, const struct diff_header *header, const struct spec_changes *changes,
		      struct error *err)
{
	struct json_writer writer = { .stream = out->stream };

	diff_open_document(&writer, header);
	for (size_t i = 0; i < changes->count; i++) {
		const struct spec_change *change = &changes->items[i];

		writer_object(&writer, NULL);
		writer_text(&writer, "path", change->path);
		writer_text(&writer, "change", diff_change_word(change->change));
		if (write_value(&writer, "before", change->before, err) < 0 ||
		    write_value(&writer, "after", change->now, err) < 0)
			return -1;
		writer_close(&writer);
	}
	writer_close(&writer);
	writer_close(&writer);
	return writer.failed ? error_memory(err) : 0;
}

static int print_line(struct output *out, const struct spec_change *change, struct error *err)
{
	cleanup_text struct text path = { 0 };
	const char *before = change->before ? change->before : "", *now = change->now ? change->now : "";

	escape_path(&path, change->path);
	if (path.failed)
		return error_memory(err);
	if (out->quiet)
		output_line(out, "%s", path.data);
	else
		output_line(out, "%c %s %s%s%s", change->change, path.data, before, *before && *now ? " -> " : "", now);
	return 0;
}

int diff_print_spec(const struct invocation *invocation, const struct diff_header *header,
		    const struct spec_changes *changes, struct error *err)
{
	struct output *out = invocation->out;

	if (out->json)
		return print_json(out, header, changes, err);
	for (size_t i = 0; i < changes->count; i++)
		if (print_line(out, &changes->items[i], err) < 0)
			return -1;
	return 0;
}
